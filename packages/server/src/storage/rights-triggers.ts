import { findField, type Policy, principalNeeds, snakeCase, upwardImplications } from '@ostiary/policy';
import { quote, tableOf } from '@ostiary/policy/sql';
import { nameOf } from './names.js';

/**
 * Rights have a version: of one principal, and of all of an application. Whatever transaction changes rights raises
 * it, so that the next request on any node knows that what it remembers is stale.
 */
export const RIGHTS_FUNCTIONS: readonly string[] = [
  `create or replace function ostiary.raise_principal_rights() returns trigger language plpgsql as $$
   declare
     holder text := TG_ARGV[2];
     ids uuid[] := '{}';
   begin
     if TG_OP <> 'INSERT' then ids := ids || (to_jsonb(old) ->> holder)::uuid; end if;
     if TG_OP <> 'DELETE' then ids := ids || (to_jsonb(new) ->> holder)::uuid; end if;
     update ostiary.account set rights_version = rights_version + 1
       where application = TG_ARGV[0] and kind = TG_ARGV[1] and principal_id = any(ids);
     return null;
   end $$`,
  `create or replace function ostiary.raise_application_rights() returns trigger language plpgsql as $$
   begin
     update ostiary.application set rights_version = rights_version + 1 where name = TG_ARGV[0];
     return null;
   end $$`,
];

/**
 * The triggers of an application, by the type whose table they are on: every one that rights come from.
 * @param declarations the type whose records declare types, where there is one
 */
export function rightsTriggers(policy: Policy, declarations?: string): ReadonlyMap<string, readonly string[]> {
  const { model } = policy;
  const statements = new Map<string, string[]>();
  const add = (type: string, statement: string): void => {
    const known = statements.get(type) ?? [];
    statements.set(type, known);
    if (!known.includes(statement)) known.push(statement);
  };
  const ofPrincipals = (table: string, kind: string, column: string): void => {
    const name = quote(nameOf('rights_of', kind, snakeCase(column)));
    add(
      table,
      `create or replace trigger ${name} after insert or update or delete on ${tableOf(model, table)}
       for each row execute function ostiary.raise_principal_rights('${model.name}', '${kind}', '${snakeCase(column)}')`,
    );
  };
  const ofAll = (table: string): void => {
    if (model.resources[table]?.source !== undefined) return;
    add(
      table,
      `create or replace trigger rights_of_all after insert or update or delete on ${tableOf(model, table)}
       for each statement execute function ostiary.raise_application_rights('${model.name}')`,
    );
  };
  const kinds = Object.entries(model.principals).flatMap(([kind, type]) =>
    type === null ? [] : [[kind, type] as const],
  );
  for (const [kind, type] of kinds) {
    ofPrincipals(type, kind, 'id');
    for (const path of principalNeeds(policy, kind).paths) {
      let at: string | null = type;
      for (const step of path.slice(0, -1)) {
        at = at === null ? null : (findField(model, at, step)?.to ?? null);
        if (at !== null) ofAll(at);
      }
    }
  }
  for (const source of model.grants) {
    if (source.members) {
      const member = findField(model, source.members.in, source.members.member);
      for (const [kind] of kinds.filter(([, type]) => type === member?.to)) {
        ofPrincipals(source.members.in, kind, source.members.member);
      }
      ofAll(source.in);
    } else if (source.holder !== 'id') {
      const holder = findField(model, source.in, source.holder);
      for (const [kind] of kinds.filter(([, type]) => type === holder?.to))
        ofPrincipals(source.in, kind, source.holder);
    }
  }
  if (declarations !== undefined) ofAll(declarations);
  if (model.types) {
    ofAll(model.types.in);
    for (const set of Object.values(model.types.sets ?? {})) ofAll(set.in);
  }
  for (const implication of upwardImplications(model)) {
    let at: string | null = implication.path.length === 0 ? null : (implication.from.split(' ')[0] ?? null);
    for (const step of implication.path) {
      if (at === null) break;
      ofAll(at);
      at = findField(model, at, step)?.to ?? null;
    }
  }
  return statements;
}
