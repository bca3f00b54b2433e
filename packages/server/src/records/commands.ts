import { type Authorized, actor, requirePossible } from '../access/access.js';
import type { Caller, Context } from '../application/context.js';
import { writeAudit } from '../audit/trail.js';
import { type LoginResult, login, loginElsewhere } from '../identity/index.js';
import type { JsonSchema } from '../input/json-schema.js';
import type { Executor } from '../storage/database.js';
import { auditWrite } from './audit-write.js';
import { type CommandEyes, type CommandHands, eyesIn, handsIn } from './command-hands.js';
import { inTransaction } from './write.js';

type Values = Readonly<Record<string, unknown>>;

/** What a command is given. */
export interface CommandCall extends CommandEyes {
  readonly context: Context;
  /** Who asked for it. */
  readonly caller: Caller;
  /** The parts of the address, and the body, as their schemas describe them. */
  readonly params: Readonly<Record<string, string>>;
  readonly input: Values;
  /** Refuses where there can be no record of a type on which the caller may do an action. @throws Refusal */
  requirePossible(action: string, type: string): void;
  /** Does what belongs together: all of it is written, or nothing. It may run again, where others were in its way. */
  inTransaction<T>(run: (hands: CommandHands) => Promise<T>): Promise<T>;
  /** Counts an attempt as a log-in, by its address: for what costs as much, or can be guessed at. @throws Problem */
  countAttempt(): Promise<void>;
  /**
   * Logs somebody in by their password, as a log-in does: counted, locked out, audited. Outside of transactions.
   * @throws Problem `invalid_credentials`, `account_locked`, `account_disabled`, `too_many_requests`
   */
  logIn(kind: string, login: string, password: string): Promise<LoginResult>;
  /**
   * Logs somebody in who has proved to the command who they are: by a code, or since it has just made the account. The
   * command answers for that. Outside of transactions.
   * @throws Problem `account_disabled`, `invalid_credentials` where there is no such account, `too_many_requests`
   */
  issue(kind: string, principalId: string): Promise<LoginResult>;
}

/** A cookie that browsers send to this application alone, and show to no script. */
export interface CommandCookie {
  readonly name: string;
  readonly value: string;
  /** When the browser forgets it; with the window, where nothing is said. */
  readonly maxAgeSeconds?: number;
}

export interface CommandAnswer {
  /** JSON. */
  readonly body: unknown;
  readonly cookies?: readonly CommandCookie[];
}

/** Something that is asked for by name, and is not an action of one record. */
export interface Command {
  /** Its name in the API's documentation and in the audit trail. */
  readonly name: string;
  /** Below the application's address, with its parameters: `/action/:entity/:name`. It is a POST. */
  readonly path: string;
  /** One sentence for the API's documentation. */
  readonly says: string;
  /** What whoever asks might have to be allowed on some record of a type; the command decides on records itself. */
  readonly decision: { readonly action: string; readonly type: string };
  /** The schema of the address's parameters, as `Type` writes it; all are texts. */
  readonly params: JsonSchema;
  /** The schema of the request's body. */
  readonly input: JsonSchema;
  /** The schema of the answer, for the documentation. */
  readonly answer?: JsonSchema;
  readonly run: (call: CommandCall) => Promise<CommandAnswer>;
}

interface Asked {
  readonly params: Readonly<Record<string, string>>;
  readonly input: Values;
  /** Counts an attempt to log in. @throws Problem `too_many_requests` */
  readonly countAttempt: () => Promise<void>;
}

/** Runs a command, and puts into the trail that it ran: with what it wrote, or when it has come to its end. */
export async function runCommand(
  context: Context,
  caller: Caller,
  command: Command,
  { params, input, countAttempt }: Asked,
): Promise<CommandAnswer> {
  const { decision, name } = command;
  requirePossible(context, caller, decision.action, decision.type);
  const application = context.policy.model.name;
  const requestId = caller.requestId ?? undefined;
  // On which records it was allowed, and is not in the trail yet.
  let pending: Authorized[] = [];
  let told = false;
  const tell = (executor: Executor, handles: readonly Authorized[]) =>
    handles.length > 0 || !told ? auditCommand(context, executor, caller, command, handles) : undefined;
  const answer = await command.run({
    context,
    caller,
    params,
    input,
    ...eyesIn(context, caller, context.database.db, (handle) => pending.push(handle)),
    countAttempt,
    requirePossible: (action, type) => requirePossible(context, caller, action, type),
    async inTransaction(run) {
      const done = await inTransaction(context, async (transaction) => {
        const handles = [...pending];
        const eyes = eyesIn(context, caller, transaction, (handle) => handles.push(handle));
        const done = await run({ ...eyes, ...handsIn(context, caller, transaction) });
        await tell(transaction, handles);
        return done;
      });
      pending = [];
      told = true;
      return done;
    },
    async logIn(kind, typed, password) {
      await countAttempt();
      const tellsDisabled = context.application.enabled?.[kind] === undefined;
      const attempt = { application, kind, login: typed, password, tellsDisabled };
      return login(context.identity, { ...attempt, ...(requestId === undefined ? {} : { requestId }) });
    },
    async issue(kind, principalId) {
      await countAttempt();
      const proven = { application, kind, principalId, by: { command: name } };
      return loginElsewhere(context.identity, { ...proven, ...(requestId === undefined ? {} : { requestId }) });
    },
  });
  await tell(context.database.db, pending);
  return answer;
}

async function auditCommand(
  context: Context,
  executor: Executor,
  caller: Caller,
  { name, decision }: Command,
  handles: readonly Authorized[],
): Promise<void> {
  const detail = { command: name };
  for (const handle of handles) await auditWrite(context, executor, caller, handle, 'record.action', detail);
  if (handles.length > 0) return;
  await writeAudit(executor, context.runtime, {
    application: context.policy.model.name,
    ...actor(caller),
    event: 'record.action',
    outcome: 'allowed',
    action: decision.action,
    resourceType: decision.type,
    detail,
  });
}
