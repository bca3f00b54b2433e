import { type JsonSchema, Type } from '@ostiary/server';
import { nameSchema } from './inputs.js';
import type { Values } from './templates.js';

export const METHODS = ['POST', 'PATCH', 'DELETE', 'GET_BY_ID'] as const;

/** What an action does, one thing of several. */
export interface Outcome {
  /** An entity, where there is a method; else one of what there is beside rows. */
  readonly type: string;
  readonly method?: (typeof METHODS)[number];
  /** By which name later outcomes know what this one gave. */
  readonly reference?: string;
  readonly attributes?: Values;
  /** In the installation's own name; else it is the caller's, and decided as a request of theirs. */
  readonly as?: 'action';
}

/** What an outcome has that is not about a row: its attributes, and which of them it can't do without. */
export interface Special {
  readonly attributes: readonly string[];
  readonly needed: readonly string[];
  /** How attributes are written that may not be just anything: most of them are no input's. */
  readonly literal?: Readonly<Record<string, RegExp>>;
}

/** Within this server, or an https address: no input leads anybody elsewhere. */
const LOCATION = /^(\/(?![/\\])|https:\/\/)[^\s\\]*$/;
/** What is written down, or an id or a token: nothing of any length. */
const COOKIE_VALUE = /^(?:(?![~$])[\x20-\x7e]{1,1000}|\$\w+\.(?:token|id))?$/;
const COOKIE = /^(?!__|ostiary)[A-Za-z0-9_.-]{1,60}$/i;

export const SPECIAL: Readonly<Record<string, Special>> = {
  token: { attributes: ['email', 'password', 'user_account_id'], needed: [] },
  become_an_administrator: { attributes: [], needed: [] },
  resync: { attributes: ['world_id'], needed: ['world_id'] },
  'client.notify': {
    attributes: ['message', 'title', 'type'],
    needed: ['message'],
    literal: { type: /^(success|info|warning|error)$/ },
  },
  'client.redirect': {
    attributes: ['location', 'delay'],
    needed: ['location'],
    literal: { location: LOCATION, delay: /^\d{1,5}$/ },
  },
  'client.store.set': { attributes: ['key', 'value'], needed: ['key', 'value'] },
  'client.cookie.set': {
    attributes: ['key', 'value'],
    needed: ['key', 'value'],
    literal: { key: COOKIE, value: COOKIE_VALUE },
  },
};

/** How `out_fields` is written. */
export const OUT_FIELDS: JsonSchema = Type.Array(
  Type.Object(
    {
      type: Type.String({ minLength: 1, maxLength: 100 }),
      method: Type.Optional(Type.Enum(METHODS)),
      reference: Type.Optional(nameSchema),
      attributes: Type.Optional(Type.Object({})),
      as: Type.Optional(Type.Enum(['action'])),
    },
    { additionalProperties: false },
  ),
  { minItems: 1, maxItems: 50 },
);
