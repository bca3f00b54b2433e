import { decide, type Field, possible, resourceOf, spaced, writable, writableSomewhere } from '@ostiary/policy';
import { collectionOf } from '@ostiary/policy/sql';
import { authorize, environment } from '../access/access.js';
import { formNames, formRecord, typeOfForm } from '../access/forms.js';
import type { Caller, Context } from '../application/context.js';
import type { Masked } from '../application/records.js';
import type { JsonSchema } from '../input/json-schema.js';
import { valueSchema } from '../input/schemas.js';
import { loadRecord } from '../storage/load.js';
import { principalOf } from './page.js';
import { listRecords } from './read.js';

/** What somebody may enter into the records of one type. */
export interface Form {
  /** The name of the type's collection. */
  readonly id: string;
  readonly type: string;
  readonly title: string;
  readonly says?: string;
  /** Whether the caller may create a record, and change some; of a form for one record, that one. */
  readonly create: boolean;
  readonly update: boolean;
  /** Those that the caller may write. */
  readonly fields: readonly FormField[];
}

export interface FormField extends Pick<Field, 'kind' | 'many' | 'says' | 'choices' | 'default'> {
  readonly name: string;
  readonly title: string;
  /** Has to be there at creation, and can't be emptied afterwards. */
  readonly required: boolean;
  /** Written, and never shown: a password. */
  readonly secret: boolean;
  /** Whether it may be written at creation, and when a record is changed. */
  readonly create: boolean;
  readonly update: boolean;
  /** The JSON Schema of a value, with its limits. */
  readonly schema: JsonSchema;
  readonly refersTo?: Choices;
}

/** Which records a reference may name, as far as the caller may list them. */
interface Choices {
  readonly type: string;
  /** The address of the whole list. */
  readonly list: string;
  /** Its first page, in the form for one type. */
  readonly items?: readonly { readonly id: string; readonly title: string | null }[];
  /** The cursor of the list's next page; null where there is none. */
  readonly next?: string | null;
}

/** The forms that a caller may read, of types into which it may enter something; without first pages of references. */
export function listForms(context: Context, caller: Caller, type: string, api: string): readonly Form[] {
  const { policy } = context;
  const principal = principalOf(caller);
  const now = environment(context);
  context.decisions.count('list', 'allowed');
  return formNames(policy.model)
    .filter((name) => {
      const form = formRecord(policy.model, name);
      return form !== null && decide(policy, principal, 'list', type, form.facts, now).allowed;
    })
    .map((name) => formOf(context, caller, typeOfForm(policy.model, name) ?? '', api))
    .filter(({ create, update }) => create || update);
}

/**
 * One form, with what its references may name.
 * @param recordId of the record that is to be changed; null for a new one, or for whichever
 * @throws Refusal where the caller may not read the form, or not update the record; Problem `not_found`
 */
export async function readForm(
  context: Context,
  caller: Caller,
  type: string,
  name: string,
  recordId: string | null,
  api: string,
): Promise<Form> {
  const { database, policy } = context;
  authorize(context, caller, 'read', type, formRecord(policy.model, name));
  const of = typeOfForm(policy.model, name) ?? '';
  const record = recordId === null ? null : await loadRecord(database.db, policy, of, recordId);
  const handle = recordId === null ? null : authorize(context, caller, 'update', of, record);
  const form = formOf(context, caller, of, api, handle && writable(policy, handle.decision, of));
  const pages = new Map<string, Pick<Choices, 'items' | 'next'>>();
  for (const { refersTo } of form.fields) {
    if (refersTo && !pages.has(refersTo.type))
      pages.set(refersTo.type, await firstPage(context, caller, refersTo.type));
  }
  const fields = form.fields.map(({ refersTo, ...field }) =>
    refersTo ? { ...field, refersTo: { ...refersTo, ...pages.get(refersTo.type) } } : field,
  );
  return { ...form, fields };
}

/** @param changes the fields that may be changed, where it is known of which record; else of any */
function formOf(
  context: Context,
  caller: Caller,
  type: string,
  api: string,
  changes: readonly string[] | null = null,
): Form {
  const { policy } = context;
  const principal = principalOf(caller);
  const { model } = policy;
  const now = environment(context);
  const creates = writableSomewhere(policy, principal, 'create', type, now);
  const updates = changes ?? writableSomewhere(policy, principal, 'update', type, now);
  const { fields, says } = resourceOf(model, type);
  return {
    id: collectionOf(model, type),
    type,
    title: titled(type),
    ...(says === undefined ? {} : { says }),
    create: possible(policy, principal, 'create', type, now),
    update: changes !== null || possible(policy, principal, 'update', type, now),
    fields: Object.entries(fields).flatMap(([name, field]) => {
      const given = field.filled !== 'principal';
      const create = given && creates.includes(name);
      const update = given && !field.fixed && updates.includes(name);
      return create || update ? [{ ...described(name, field), create, update, ...choicesOf(context, field, api) }] : [];
    }),
  };
}

function described(name: string, field: Field): Omit<FormField, 'create' | 'update'> {
  const { kind, many, says, choices, optional = false, secret = false } = field;
  return {
    name,
    title: titled(field.to === null ? name : name.replace(/Ids?$/, many ? 's' : '')),
    kind,
    many,
    ...(says === undefined ? {} : { says }),
    required: !optional && field.default === undefined,
    secret,
    ...(choices === undefined ? {} : { choices }),
    ...(field.default === undefined ? {} : { default: field.default }),
    schema: valueSchema(field),
  };
}

function titled(name: string): string {
  const words = spaced(name);
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
}

function choicesOf({ policy }: Context, { to }: Field, api: string): { readonly refersTo?: Choices } {
  return to === null ? {} : { refersTo: { type: to, list: `${api}/${collectionOf(policy.model, to)}` } };
}

const FIRST_PAGE = 50;

/** What a list shows first: none where the caller may not list at all. */
async function firstPage(context: Context, caller: Caller, type: string): Promise<Pick<Choices, 'items' | 'next'>> {
  const { policy } = context;
  if (!possible(policy, principalOf(caller), 'list', type, environment(context))) return { items: [], next: null };
  const asked = { limit: FIRST_PAGE, sort: null, after: null, view: null, tests: [] };
  const { items, next } = await listRecords(context, caller, type, asked);
  return { items: items.map((item) => ({ id: item.id, title: titleOf(context, type, item) })), next };
}

/** What people call a record: by what identifies it, or else the first text that is required, as far as it is shown. */
function titleOf({ policy }: Context, type: string, item: Masked): string | null {
  const { fields, identifiedBy } = resourceOf(policy.model, type);
  const isTitle = ({ kind, many, secret, optional }: Field) => kind === 'text' && !many && !secret && !optional;
  const name = identifiedBy ?? Object.keys(fields).find((field) => isTitle(fields[field] as Field));
  const value = name === undefined ? null : item[name];
  return typeof value === 'string' ? value : null;
}
