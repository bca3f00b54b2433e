import type { Model } from '@ostiary/policy';
import { collectionOf } from '@ostiary/policy/sql';
import { storedTypes } from '../storage/model-tables.js';
import type { LoadedRecord } from '../storage/rows.js';

/** The names of an application's forms: of the collections that data is entered into. */
export function formNames(model: Model): readonly string[] {
  return storedTypes(model).map((type) => collectionOf(model, type));
}

/** The resource type that a form is of; null where there is no such form. */
export function typeOfForm(model: Model, name: string): string | null {
  return storedTypes(model).find((type) => collectionOf(model, type) === name) ?? null;
}

/** A form as a record, which rules know by its name alone; null where there is none. */
export function formRecord(model: Model, name: string): LoadedRecord | null {
  return typeOfForm(model, name) === null ? null : { id: name, version: 0, values: {}, facts: { id: name } };
}
