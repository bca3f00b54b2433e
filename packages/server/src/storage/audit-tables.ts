import type { ColumnType } from 'kysely';

type BigInteger = ColumnType<string, string | number, never>;
type Timestamp = ColumnType<Date, Date, Date>;

/** The audit trail: what happened, what of it waits to be sealed, the chain of seals, and its signed checkpoints. */
export interface AuditTables {
  'ostiary.audit': {
    id: string;
    at: Timestamp;
    application: string;
    event: string;
    outcome: string;
    principal_kind: string | null;
    principal_id: string | null;
    login: string | null;
    action: string | null;
    resource_type: string | null;
    record_id: string | null;
    decision_id: string | null;
    rules: string[];
    request_id: string | null;
    detail: ColumnType<Record<string, unknown>, string, string>;
  };
  'ostiary.audit_unsealed': { entry: string };
  'ostiary.audit_seal': { seq: BigInteger; entry: string; digest: Buffer; hash: Buffer };
  'ostiary.audit_checkpoint': { seq: BigInteger; hash: Buffer; at: Timestamp; jws: string };
}

/** The triggers that keep the trail as it was written, by their tables. */
export const AUDIT_TRIGGERS: readonly (readonly [table: string, trigger: string])[] = [
  ...['audit', 'audit_seal', 'audit_checkpoint'].flatMap((table) => [
    [table, `${table}_append_only`] as const,
    [table, `${table}_no_truncate`] as const,
  ]),
  ['signing_key', 'audit_key_stays'],
];

/** What the trail is in, which nothing but this program makes and nothing removes. */
export const AUDIT_TABLE_NAMES = ['audit', 'audit_unsealed', 'audit_seal', 'audit_checkpoint', 'signing_key'] as const;

const refuse = (table: string) => [
  `create or replace trigger ${table}_append_only before update or delete on ostiary.${table}
   for each row execute function ostiary.refuse_change()`,
  `create or replace trigger ${table}_no_truncate before truncate on ostiary.${table}
   for each statement execute function ostiary.refuse_change()`,
];

/**
 * Statements that make these tables. No foreign key leads from or to them: an entry outlives what it tells of. The ids are
 * in the order of time, so an index that ends with one gives the newest first; the one on `at` takes next to nothing.
 */
export const AUDIT_DDL: readonly string[] = [
  `create table if not exists ostiary.audit (
     id uuid primary key,
     at timestamptz(3) not null,
     application text not null,
     event text not null,
     outcome text not null,
     principal_kind text,
     principal_id uuid,
     login text,
     action text,
     resource_type text,
     record_id text,
     decision_id uuid,
     rules text[] not null default '{}',
     request_id text,
     detail jsonb not null default '{}'
   )`,
  `create index if not exists audit_application on ostiary.audit (application, id)`,
  `create index if not exists audit_event on ostiary.audit (event, id)`,
  `create index if not exists audit_principal on ostiary.audit (principal_id, id) where principal_id is not null`,
  `create index if not exists audit_login on ostiary.audit (login, id) where login is not null`,
  `create index if not exists audit_record on ostiary.audit (record_id, id) where record_id is not null`,
  `create index if not exists audit_at on ostiary.audit using brin (at)`,
  // A queue: rows come and go all the time.
  `create table if not exists ostiary.audit_unsealed (entry uuid primary key)
     with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000)`,
  // A trail from before there were seals is queued, once.
  `do $$ begin
     if to_regclass('ostiary.audit_seal') is null then insert into ostiary.audit_unsealed select id from ostiary.audit; end if;
   end $$`,
  `create table if not exists ostiary.audit_seal (
     seq bigint primary key,
     entry uuid not null unique,
     digest bytea not null,
     hash bytea not null
   )`,
  `create table if not exists ostiary.audit_checkpoint (
     seq bigint primary key,
     hash bytea not null,
     at timestamptz(3) not null,
     jws text not null
   )`,
  `create or replace function ostiary.refuse_change() returns trigger language plpgsql as $$
   begin
     raise exception 'the audit trail is append-only' using errcode = 'restrict_violation';
   end $$`,
  ...refuse('audit'),
  ...refuse('audit_seal'),
  ...refuse('audit_checkpoint'),
  // What was signed with a key is read with its public half, however old it is.
  `create or replace trigger audit_key_stays before delete or update of id, algorithm, public_jwk, purpose
   on ostiary.signing_key for each row when (old.purpose = 'audit') execute function ostiary.refuse_change()`,
];
