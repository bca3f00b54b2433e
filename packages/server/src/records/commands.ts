import { actor, requirePossible } from '../access/access.js';
import type { Authorized } from '../application/authorized.js';
import type { Command, CommandAnswer } from '../application/commands.js';
import type { Caller, Context } from '../application/context.js';
import { writeAudit } from '../audit/trail.js';
import { login, loginElsewhere } from '../identity/index.js';
import type { Executor } from '../storage/database.js';
import { auditWrite } from './audit-write.js';
import { eyesIn, handsIn } from './command-hands.js';
import { inTransaction } from './transaction.js';

type Values = Readonly<Record<string, unknown>>;

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
