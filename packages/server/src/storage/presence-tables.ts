import type { ColumnType } from 'kysely';

type Timestamp = ColumnType<Date, Date, Date>;

/** Who is online: which servers run, the sockets that are open on each, and tickets to open one. */
export interface PresenceTables {
  'ostiary.socket_server': {
    id: string;
    /** By the database's clock: a server that has not put it off until then is gone, and its sockets with it. */
    ends_at: Timestamp;
  };
  'ostiary.socket': {
    id: string;
    server: string;
    application: string;
    kind: string;
    principal_id: string;
  };
  'ostiary.socket_ticket': {
    token_hash: Buffer;
    application: string;
    kind: string;
    principal_id: string;
    session_id: string | null;
    static_token_id: string | null;
    expires_at: Timestamp;
  };
}

/** Tells every server of an account that is online that it changed, or that a session or a token of it ended. */
export const ACCOUNT_CHANNEL = 'ostiary_account';

const tellOf = (table: string, of: string) =>
  `create or replace trigger tell_sockets after ${of} on ostiary.${table}
   for each row execute function ostiary.tell_sockets()`;

/**
 * Statements that make these tables. A crash of PostgreSQL may empty them: each server writes its own rows again. A change
 * is told only of who is online, since what is told is written one transaction after the other.
 */
export const PRESENCE_DDL: readonly string[] = [
  `create unlogged table if not exists ostiary.socket_server (
     id uuid primary key,
     ends_at timestamptz not null
   )`,
  `create unlogged table if not exists ostiary.socket (
     id uuid primary key,
     server uuid not null references ostiary.socket_server on delete cascade deferrable,
     application text not null,
     kind text not null,
     principal_id uuid not null
   )`,
  `create index if not exists socket_principal on ostiary.socket (application, kind, principal_id)`,
  `create index if not exists socket_of_server on ostiary.socket (server)`,
  `create unlogged table if not exists ostiary.socket_ticket (
     token_hash bytea primary key,
     application text not null,
     kind text not null,
     principal_id uuid not null,
     session_id uuid,
     static_token_id uuid,
     expires_at timestamptz(3) not null
   )`,
  `create or replace function ostiary.tell_sockets() returns trigger language plpgsql as $$
   begin
     if exists (select from ostiary.socket s where s.application = old.application and s.kind = old.kind
                and s.principal_id = old.principal_id) then
       perform pg_notify('${ACCOUNT_CHANNEL}',
         json_build_object('application', old.application, 'kind', old.kind, 'id', old.principal_id)::text);
     end if;
     return null;
   end $$`,
  tellOf('account', 'update or delete'),
  tellOf('login_session', 'update of revoked_at or delete'),
  tellOf('static_token', 'update or delete'),
];
