import type { ColumnType, Generated } from 'kysely';
import { AUDIT_DDL, type AuditTables } from './audit-tables.js';
import { PRESENCE_DDL, type PresenceTables } from './presence-tables.js';

/** A bigint column: `pg` gives it as text, and nothing here calculates with it. */
type BigInteger = ColumnType<string, never, never>;
type Timestamp = ColumnType<Date, Date, Date>;
type Json<T> = ColumnType<T, string, string>;

/** The installation's own tables, in the schema `ostiary`. The tables of an application are made from its model. */
export interface PlatformTables extends AuditTables, PresenceTables {
  'ostiary.installation': { id: string; created_at: Timestamp; demo: boolean };
  'ostiary.application': {
    name: string;
    /** Raised in the transaction that changes rights of more than one principal. */
    rights_version: BigInteger;
    /** The HS256 secret that was made here because none was configured. */
    secret: string | null;
  };
  'ostiary.account': {
    application: string;
    kind: string;
    principal_id: string;
    login: string | null;
    password_hash: string | null;
    disabled: Generated<boolean>;
    /** Whether nobody logs in to it, though it is not disabled. */
    login_disabled: Generated<boolean>;
    /** Whether its static token is refused, though it is not disabled. */
    static_token_disabled: Generated<boolean>;
    /** Raised in the transaction that changes what this principal is or holds. */
    rights_version: BigInteger;
    created_at: Timestamp;
  };
  'ostiary.login_session': {
    id: string;
    application: string;
    kind: string;
    principal_id: string;
    created_at: Timestamp;
    expires_at: Timestamp;
    revoked_at: Timestamp | null;
  };
  'ostiary.refresh_token': {
    id: string;
    session_id: string;
    token_hash: Buffer;
    expires_at: Timestamp;
    used_at: Timestamp | null;
  };
  'ostiary.static_token': {
    id: string;
    application: string;
    kind: string;
    principal_id: string;
    token_hash: Buffer;
    created_at: Timestamp;
  };
  'ostiary.login_failure': {
    application: string;
    kind: string;
    login_hash: Buffer;
    failures: number;
    window_ends_at: Timestamp;
    locked_until: Timestamp | null;
  };
  'ostiary.rate': {
    key: string;
    drawn: BigInteger;
    ends_at: Timestamp;
  };
  'ostiary.signing_key': {
    id: string;
    algorithm: string;
    public_jwk: Json<Record<string, unknown>>;
    /** Empty once a key for the audit trail is retired: it signs nothing any more. */
    private_jwk: Json<Record<string, unknown>>;
    purpose: Generated<'token' | 'audit'>;
    created_at: Timestamp;
    retired_at: Timestamp | null;
  };
  'ostiary.setup_link': {
    token_hash: Buffer;
    application: string;
    created_at: Timestamp;
    expires_at: Timestamp;
    used_at: Timestamp | null;
  };
  'ostiary.sign_on_state': {
    state_hash: Buffer;
    application: string;
    provider: string;
    browser_hash: Buffer;
    return_to: string | null;
    expires_at: Timestamp;
  };
  'ostiary.sign_on_code': {
    code_hash: Buffer;
    application: string;
    kind: string;
    principal_id: string;
    provider: string;
    browser_hash: Buffer;
    expires_at: Timestamp;
  };
  'ostiary.sign_on_link': {
    id: string;
    application: string;
    kind: string;
    principal_id: string;
    provider: string;
    issuer: string;
    subject: string;
    created_at: Timestamp;
  };
  'ostiary.service_key': {
    id: string;
    application: string;
    /** Which program it is for, as its administrator calls it. */
    name: string;
    key_hash: Buffer;
    /** Whether the program may say itself what subjects and resources are like. */
    trusted: boolean;
    created_at: Timestamp;
    expires_at: ColumnType<Date | null, Date | null, never>;
    revoked_at: ColumnType<Date | null, Date | null, Date>;
  };
}

/**
 * Statements that make the tables above where they are missing. Plain SQL that PostgreSQL 15 understands; each can be
 * run again. Foreign keys are deferrable, so that a restore can load tables in any order.
 */
export const PLATFORM_DDL: readonly string[] = [
  `create schema if not exists ostiary`,
  `create table if not exists ostiary.installation (
     id uuid primary key,
     created_at timestamptz(3) not null,
     demo boolean not null
   )`,
  `create unique index if not exists installation_only_one on ostiary.installation ((true))`,
  `create table if not exists ostiary.application (
     name text primary key,
     rights_version bigint not null default 1,
     secret text
   )`,
  `create table if not exists ostiary.account (
     application text not null references ostiary.application deferrable,
     kind text not null,
     principal_id uuid not null,
     login text,
     password_hash text,
     disabled boolean not null default false,
     rights_version bigint not null default 1,
     created_at timestamptz(3) not null,
     primary key (application, kind, principal_id),
     unique (application, kind, login)
   )`,
  `alter table ostiary.account
     add column if not exists login_disabled boolean not null default false,
     add column if not exists static_token_disabled boolean not null default false`,
  `create table if not exists ostiary.static_token (
     id uuid not null unique,
     application text not null,
     kind text not null,
     principal_id uuid not null,
     token_hash bytea not null,
     created_at timestamptz(3) not null,
     primary key (application, kind, principal_id),
     foreign key (application, kind, principal_id) references ostiary.account on delete cascade deferrable
   )`,
  `create table if not exists ostiary.login_session (
     id uuid primary key,
     application text not null,
     kind text not null,
     principal_id uuid not null,
     created_at timestamptz(3) not null,
     expires_at timestamptz(3) not null,
     revoked_at timestamptz(3),
     foreign key (application, kind, principal_id) references ostiary.account on delete cascade deferrable
   )`,
  `create index if not exists login_session_account on ostiary.login_session (application, kind, principal_id)`,
  `create index if not exists login_session_expires on ostiary.login_session (expires_at)`,
  // Used ones stay until they are over, to notice who uses one again.
  `create table if not exists ostiary.refresh_token (
     id uuid primary key,
     session_id uuid not null references ostiary.login_session on delete cascade deferrable,
     token_hash bytea not null,
     expires_at timestamptz(3) not null,
     used_at timestamptz(3)
   )`,
  `create index if not exists refresh_token_session on ostiary.refresh_token (session_id)`,
  `create index if not exists refresh_token_expires on ostiary.refresh_token (expires_at)`,
  `create table if not exists ostiary.login_failure (
     application text not null,
     kind text not null,
     login_hash bytea not null,
     failures integer not null,
     window_ends_at timestamptz(3) not null,
     locked_until timestamptz(3),
     primary key (application, kind, login_hash)
   )`,
  // Counts of a minute: a crash may lose them.
  `create unlogged table if not exists ostiary.rate (
     key text primary key,
     drawn bigint not null,
     ends_at timestamptz not null
   )`,
  `create table if not exists ostiary.signing_key (
     id text primary key,
     algorithm text not null,
     public_jwk jsonb not null,
     private_jwk jsonb not null,
     created_at timestamptz(3) not null,
     retired_at timestamptz(3)
   )`,
  `alter table ostiary.signing_key
     add column if not exists purpose text not null default 'token' check (purpose in ('token', 'audit'))`,
  `create table if not exists ostiary.setup_link (
     token_hash bytea primary key,
     application text not null,
     created_at timestamptz(3) not null,
     expires_at timestamptz(3) not null,
     used_at timestamptz(3)
   )`,
  `create table if not exists ostiary.service_key (
     id uuid primary key,
     application text not null references ostiary.application deferrable,
     name text not null,
     key_hash bytea not null,
     trusted boolean not null,
     created_at timestamptz(3) not null,
     expires_at timestamptz(3),
     revoked_at timestamptz(3)
   )`,
  `create table if not exists ostiary.sign_on_state (
     state_hash bytea primary key,
     application text not null,
     provider text not null,
     browser_hash bytea not null,
     return_to text,
     expires_at timestamptz(3) not null
   )`,
  `create table if not exists ostiary.sign_on_code (
     code_hash bytea primary key,
     application text not null,
     kind text not null,
     principal_id uuid not null,
     provider text not null,
     browser_hash bytea not null,
     expires_at timestamptz(3) not null
   )`,
  // One account elsewhere is one person here; and one person here has one account of an issuer.
  `create table if not exists ostiary.sign_on_link (
     id uuid primary key,
     application text not null,
     kind text not null,
     principal_id uuid not null,
     provider text not null,
     issuer text not null,
     subject text not null,
     created_at timestamptz(3) not null,
     unique (application, issuer, subject),
     unique (application, kind, principal_id, issuer),
     foreign key (application, kind, principal_id) references ostiary.account on delete cascade deferrable
   )`,
  ...AUDIT_DDL,
  ...PRESENCE_DDL,
];
