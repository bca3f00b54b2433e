import type { Policy } from '@ostiary/policy';
import { tableOf } from '@ostiary/policy/sql';
import { tokenClaims } from './access/token-claims.js';
import type { Application } from './application/application.js';
import type { Context } from './application/context.js';
import { DEFAULT_TOKENS, refreshSettings, type TokenSettings } from './application/tokens.js';
import { auditRotation } from './audit/index.js';
import { type Installed, installedPolicy, type LeftOut, loadDeclarations, withPolicy } from './declared/load.js';
import { Served } from './declared/served.js';
import { DEFAULT_LOCKOUT } from './identity/index.js';
import {
  createFieldKeys,
  createSigningKeys,
  createTokenService,
  type FieldKeys,
  requireSecret,
  type SigningKeys,
  signingSecret,
  storedSecret,
} from './keys/index.js';
import { requireReadable } from './records/encrypted.js';
import { fill, fillWithDemo } from './records/filling.js';
import { inTransaction } from './records/transaction.js';
import { Principals } from './rights/principals.js';
import { LiveTypes } from './rights/type-attributes.js';
import type { Runtime } from './runtime.js';
import type { Database } from './storage/database.js';
import { encryptedFields, storedTypes } from './storage/model-tables.js';
import { query } from './storage/query.js';
import { createApplicationSchema, createPlatformSchema } from './storage/schema.js';
import { Tally } from './telemetry/tally.js';

export interface InstallationOptions {
  readonly database: Database;
  readonly runtime: Runtime;
  readonly applications: readonly Application[];
  /** The installation's public address, as the issuer of its tokens; its id where it has none. */
  readonly issuer?: string;
  readonly production: boolean;
  /** Where secrets that applications ask for come from. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The secrets that encrypt fields, the one that encrypts first. Asked for only where a field is encrypted. */
  readonly fieldSecrets?: () => Promise<readonly string[]>;
  /** Whether a new installation gets demo data, and a new application of one that has. */
  readonly demo: boolean;
  readonly progress?: (line: string) => void;
  readonly warn?: (line: string) => void;
}

/** Several applications on one database. */
export interface Installation {
  readonly database: Database;
  readonly runtime: Runtime;
  readonly keys: SigningKeys;
  /** As they are now: where a type is declared, its application gets another one. */
  readonly contexts: Map<string, Context>;
  /** Tells of a declared type that is left out. */
  readonly leftOut: LeftOut;
  /** Whether it holds demo data, and accounts whose password everybody knows. */
  readonly demo: boolean;
  readonly production: boolean;
}

/**
 * Opens an installation: makes or checks its tables, loads demo data into a new one, and prepares its keys.
 * @throws SchemaError, ConfigurationError, ApplicationError, in words for the person who starts the server
 */
export async function openInstallation(options: InstallationOptions): Promise<Installation> {
  const { database, runtime, applications, progress, warn: leftOut = () => {} } = options;
  // What an installation is, is decided when it is made: so not by a start that is refused.
  for (const { tokens = DEFAULT_TOKENS } of applications) {
    if (tokens.algorithm === 'HS256') requireSecret(secretOf(options, tokens));
  }
  const unguarded = await createTables(database, applications);
  const policies = await declaredPolicies(database, applications, leftOut);
  if (unguarded.length > 0) {
    options.warn?.(
      `triggers that keep the audit trail as it is were gone or disabled, and are back: ${unguarded.map(([, trigger]) => trigger).join(', ')}`,
    );
  }
  const { id, demo } = await installed(options);
  // The same whatever the port: several servers of one installation take each other's tokens.
  const issuer = options.issuer ?? `urn:uuid:${id}`;
  const longestLifetimeSeconds = Math.max(
    ...applications.map(({ tokens = DEFAULT_TOKENS }) =>
      Math.max(tokens.lifetimeSeconds, tokens.refreshedSeconds ?? 0),
    ),
  );
  const keys = createSigningKeys({
    database,
    runtime,
    longestLifetimeSeconds,
    rotated: (transaction, key) => auditRotation(transaction, runtime, { purpose: 'token', ...key }),
  });
  const fieldKeys = await fieldKeysOf(
    options,
    [...policies.values()].map(({ policy }) => policy),
  );
  const contexts = new Map<string, Context>();
  for (const application of applications) {
    const { name } = application.policy.model;
    await query(database.db, `insert into ostiary.application (name) values ($1) on conflict do nothing`, [name]);
    const found = await contextOf(options, application, keys, issuer, fieldKeys);
    const context = withPolicy(found, policies.get(application) ?? found, '');
    await requireReadable(context);
    contexts.set(name, context);
    await begin(context);
    await context.types.upTo(database.db, null);
    if (demo && options.demo) await loadDemo(context, progress);
    await new Served(contexts, name, leftOut).upTo(null);
  }
  return { database, runtime, keys, contexts, leftOut, demo, production: options.production };
}

/** The policies of the applications that declare types, with what is declared; their tables are made. */
async function declaredPolicies(
  database: Database,
  applications: readonly Application[],
  leftOut: LeftOut,
): Promise<ReadonlyMap<Application, Installed>> {
  const policies = new Map<Application, Installed>();
  for (const application of applications.filter(({ declared }) => declared !== undefined)) {
    const { rows } = await loadDeclarations(database.db, application);
    policies.set(application, await installedPolicy(database, application, rows, new Set(), leftOut));
  }
  return policies;
}

/**
 * Makes the tables that are missing, of the installation and of its applications.
 * @param asFound whether what guards the audit trail is left as it is found: for verifying, which tells of it
 * @returns the triggers that guard the audit trail, with their tables, that were gone or disabled and are back
 * @throws SchemaError
 */
export async function createTables(
  database: Database,
  applications: readonly Application[],
  asFound = false,
): Promise<readonly (readonly [table: string, trigger: string])[]> {
  const putBack = await database.db.transaction().execute((transaction) => createPlatformSchema(transaction, !asFound));
  for (const { policy, declared } of applications) {
    await database.db
      .transaction()
      .execute((transaction) => createApplicationSchema(transaction, policy, declared?.in));
  }
  return putBack;
}

/** What the installation in a database is, and whose tables it has; null where there is none yet. */
export async function findInstallation(
  database: Database,
): Promise<{ readonly demo: boolean; readonly applications: readonly string[] } | null> {
  const [table] = await query<{ name: string | null }>(
    database.db,
    `select to_regclass('ostiary.installation')::text as name`,
  );
  if (!table?.name) return null;
  const [found] = await query<{ demo: boolean; applications: string[] }>(
    database.db,
    `select demo, array(select name from ostiary.application order by name) as applications from ostiary.installation`,
  );
  return found ?? null;
}

/** The installation's row: made once, and whether it is a demo stays as it was then. */
async function installed({ database, runtime, demo }: InstallationOptions): Promise<{ id: string; demo: boolean }> {
  await query(
    database.db,
    `insert into ostiary.installation (id, created_at, demo) values ($1, $2, $3) on conflict do nothing`,
    [runtime.id(), runtime.now(), demo],
  );
  const [found] = await query<{ id: string; demo: boolean }>(database.db, `select id, demo from ostiary.installation`);
  if (found === undefined) throw new TypeError('the row of the installation was deleted while it was read');
  return found;
}

async function contextOf(
  options: InstallationOptions,
  application: Application,
  keys: SigningKeys,
  issuer: string,
  fieldKeys: FieldKeys | null,
): Promise<Context> {
  const { database, runtime } = options;
  const { name } = application.policy.model;
  const { algorithm, lifetimeSeconds } = application.tokens ?? DEFAULT_TOKENS;
  const common = { runtime, lifetimeSeconds, issuer, audience: name };
  if (algorithm !== 'HS256') await keys.ensureSigningKey(algorithm);
  const tokens =
    algorithm === 'HS256'
      ? createTokenService({
          ...common,
          algorithm,
          secret: await signingSecret({
            ...secretOf(options, application.tokens ?? DEFAULT_TOKENS),
            stored: () => storedSecret(database.db, runtime, name),
            ...(options.warn ? { warn: options.warn } : {}),
          }),
        })
      : createTokenService({ ...common, algorithm, keys });
  const refresh = refreshSettings(application.tokens ?? DEFAULT_TOKENS);
  return {
    application,
    policy: application.policy,
    declarations: '',
    misfits: new Set(),
    database,
    runtime,
    principals: new Principals(application.policy, runtime),
    types: new LiveTypes(application.policy),
    identity: {
      database,
      runtime,
      tokens,
      lockout: application.lockout ?? DEFAULT_LOCKOUT,
      ...(refresh === null ? {} : { refresh }),
      claims: tokenClaims(database, application),
      logins: new Tally(),
    },
    fieldKeys,
    decisions: new Tally(),
  };
}

/** The secret that an application's tokens are signed with, as it is configured. */
function secretOf({ environment, production }: InstallationOptions, { secretFrom = 'SECRET_KEY' }: TokenSettings) {
  return { variable: secretFrom, configured: environment[secretFrom], production };
}

/** What encrypts fields, where there are such. */
async function fieldKeysOf(
  { applications, runtime, fieldSecrets }: InstallationOptions,
  declared: readonly Policy[],
): Promise<FieldKeys | null> {
  const encrypts = [...applications.map(({ policy }) => policy), ...declared].some(({ model }) =>
    Object.keys(model.resources).some((type) => encryptedFields(model, type).length > 0),
  );
  return encrypts ? createFieldKeys(runtime, fieldSecrets ?? (async () => [])) : null;
}

/** Makes what an application begins with, where it has no record at all. */
async function begin(context: Context): Promise<void> {
  const { initial, policy } = context.application;
  if (initial === undefined) return;
  const { model } = policy;
  await inTransaction(context, async (transaction) => {
    await query(transaction, `select 1 from ostiary.application where name = $1 for update`, [model.name]);
    const any = storedTypes(model).map((type) => `exists (select 1 from ${tableOf(model, type)})`);
    const [found] = await query<{ used: boolean }>(transaction, `select ${any.join(' or ')} as used`, []);
    if (!found?.used) await fill(context, transaction, 'first records', initial);
  });
}

/** Fills an application that nobody has used yet. */
async function loadDemo(context: Context, progress?: (line: string) => void): Promise<void> {
  const { demo, policy } = context.application;
  if (demo === undefined) return;
  await inTransaction(context, async (transaction) => {
    await query(transaction, `select 1 from ostiary.application where name = $1 for update`, [policy.model.name]);
    const used = await query(transaction, `select 1 from ostiary.account where application = $1 limit 1`, [
      policy.model.name,
    ]);
    if (used.length > 0) return;
    progress?.(`loading demo data of ${policy.model.title}`);
    await fillWithDemo(context, transaction, demo);
  });
}
