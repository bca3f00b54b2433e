import type { Application } from '../application/application.js';
import { requireMeaning } from './meaning.js';
import { requireShape } from './shape.js';
import { requireValues } from './values.js';

/**
 * Checks what a module exports as its application, whoever wrote it and in whatever language.
 * @throws ApplicationError that names the place and what to do
 */
export function checkApplication(value: unknown): Application {
  requireShape(value);
  requireMeaning(value);
  requireValues(value);
  return value;
}
