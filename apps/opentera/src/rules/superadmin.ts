import { rules } from '@ostiary/policy';
import { openTera as model } from '../model.js';
import { TABLE } from './sources.js';

const TYPES = Object.keys(model.resources) as (keyof typeof model.resources)[];

/** A super administrator does everything, whatever the type. */
export const superadmin = TYPES.map((type) =>
  rules(model, type, ({ allow, holds }) => [
    allow('superadmin', {
      says: 'A super administrator has full access.',
      source: TABLE,
      actions: 'every',
      when: holds('superadmin'),
    }),
  ]),
);
