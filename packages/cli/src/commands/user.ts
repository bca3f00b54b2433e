import { type Context, inTransaction, makeAdministrator, preparePassword, requireValid, System } from '@ostiary/server';
import { Command } from 'commander';
import { Failure } from '../failure.js';
import { type CommonOptions, withApplication } from '../installation.js';
import { askPassword, print, readLine, say } from '../terminal.js';
import { readValues } from '../values.js';
import { appOption, dataOption, newOption } from './options.js';

interface Options extends CommonOptions {
  readonly set: readonly string[];
  readonly admin?: boolean;
  readonly passwordStdin?: boolean;
}

const collect = (value: string, before: readonly string[]) => [...before, value];

export function userCommand(): Command {
  const create = new Command('create')
    .description('make an account, such as the first administrator; the password is asked for')
    .argument('[kind]', 'the kind of principal, where there are several')
    .option('--set <name=value>', 'a field of it; give it once for each field, lists with commas', collect, [])
    .option('--admin', 'an administrator: sets the fields that make one')
    .option('--password-stdin', 'read the password from the first line of standard input')
    .addOption(appOption())
    .addOption(dataOption())
    .addOption(newOption())
    .action(async (kind: string | undefined, options: Options) => {
      await withApplication(options, (context) => createUser(context, kind, options));
    });
  return new Command('user').description('accounts').addCommand(create);
}

async function createUser(context: Context, asked: string | undefined, options: Options): Promise<void> {
  const { application, policy } = context;
  const kind = asked ?? application.administrator.kind;
  const type = policy.model.principals[kind];
  if (!type) {
    const kinds = Object.keys(policy.model.principals)
      .filter((name) => policy.model.principals[name] !== null)
      .join(', ');
    throw new Failure('usage', `There are no accounts of the kind '${kind}'; there are ${kinds}.`);
  }
  if (options.admin && kind !== application.administrator.kind) {
    throw new Failure('usage', `Administrators are of the kind '${application.administrator.kind}'.`);
  }
  const set = readValues(policy.model, type, options.set);
  const given = { ...set, ...(options.admin ? application.administrator.values : {}) };
  const settings = application.logins[kind];
  // What else is wrong is said before anybody is asked for a password.
  const placeholder = settings === undefined ? {} : { [settings.password]: 'not known yet' };
  requireValid(context, type, { ...given, ...placeholder });
  const password = options.passwordStdin ? await readLine() : settings === undefined ? '' : await askPassword();
  const values = settings === undefined ? given : { ...given, [settings.password]: password };
  requireValid(context, type, values);
  await preparePassword(context, type, values, values);
  const id = await inTransaction(context, (transaction) =>
    options.admin
      ? makeAdministrator(context, transaction, values)
      : new System(context, transaction).create(type, values),
  );
  say(`Made the ${kind}:`);
  print(id);
}
