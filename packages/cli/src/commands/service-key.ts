import { createServiceKey, listServiceKeys, revokeServiceKey, type ServiceKey } from '@ostiary/server';
import { Command, InvalidArgumentError } from 'commander';
import { Failure } from '../failure.js';
import { type CommonOptions, withApplication } from '../installation.js';
import { confirm, print, say } from '../terminal.js';
import { visible } from '../visible.js';
import { appOption, dataOption, isDay } from './options.js';

interface CreateOptions extends CommonOptions {
  readonly name: string;
  readonly trusted?: boolean;
  readonly expires?: Date;
}

interface RevokeOptions extends CommonOptions {
  readonly yes?: boolean;
}

export function serviceKeyCommand(): Command {
  const create = new Command('create')
    .description('make a key for a program; it is printed once, and cannot be read again')
    .requiredOption('--name <name>', 'which program it is for', name)
    .option('--trusted', 'believe the program about what subjects and resources are like, over what is stored')
    .option('--expires <date>', 'until when it is good: 2027-01-31, or 2027-01-31T12:00:00Z', later)
    .addOption(appOption())
    .addOption(dataOption())
    .action(async ({ name, trusted = false, expires, ...options }: CreateOptions) => {
      await withApplication(options, async (context) => {
        const application = context.policy.model.name;
        const { id, key } = await createServiceKey(context, application, { name, trusted, expiresAt: expires ?? null });
        say(`Made the service key ${id} of ${context.policy.model.title}. Keep it secret; it is not shown again:`);
        print(key);
      });
    });
  const list = new Command('list')
    .description('the keys there are: id, state, name')
    .addOption(appOption())
    .addOption(dataOption())
    .action(async (options: CommonOptions) => {
      await withApplication(options, async (context) => {
        for (const key of await listServiceKeys(context, context.policy.model.name))
          print(visible(line(key, context.runtime.now())));
      });
    });
  const revoke = new Command('revoke')
    .description('refuse a key from its next request on')
    .argument('<id>', 'of the key: `list` tells it')
    .option('--yes', 'do not ask')
    .addOption(appOption())
    .addOption(dataOption())
    .action(async (id: string, options: RevokeOptions) => {
      await withApplication(options, async (context) => {
        const application = context.policy.model.name;
        const key = (await listServiceKeys(context, application)).find((one) => one.id === id.toLowerCase());
        if (key === undefined) throw new Failure('usage', `There is no service key '${id}'. Nothing was changed.`);
        if (!options.yes && !(await confirm(`Refuse ${visible(key.name)} from now on?`, '--yes'))) {
          throw new Failure('refused', 'Nothing was changed.');
        }
        if (!(await revokeServiceKey(context, application, key.id))) {
          throw new Failure('refused', 'It is revoked already. Nothing was changed.');
        }
        say(`Revoked the service key of ${visible(key.name)}.`);
      });
    });
  return new Command('service-key')
    .description('keys with which programs ask for decisions')
    .addCommand(create)
    .addCommand(list)
    .addCommand(revoke);
}

function line({ id, name, trusted, createdAt, expiresAt, revokedAt }: ServiceKey, now: Date): string {
  const day = (time: Date) => time.toISOString().slice(0, 10);
  const state =
    revokedAt !== null
      ? `revoked ${day(revokedAt)}`
      : expiresAt === null
        ? 'good'
        : `${expiresAt > now ? 'good until' : 'expired'} ${expiresAt.toISOString()}`;
  return [id, `made ${day(createdAt)}`, state, trusted ? 'trusted' : 'not trusted', name].join('  ');
}

function name(text: string): string {
  if (!/^\P{C}{1,100}$/u.test(text.trim())) throw new InvalidArgumentError('It is 1 to 100 printable characters.');
  return text.trim();
}

/** A date is its first moment, in UTC. */
function later(text: string): Date {
  const time = new Date(text);
  const form = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d))?$/;
  if (!form.test(text) || !isDay(text) || Number.isNaN(time.getTime())) {
    throw new InvalidArgumentError('It is a date, or a time with its zone, such as 2027-01-31T12:00:00Z.');
  }
  if (time <= new Date()) throw new InvalidArgumentError('It is in the past.');
  return time;
}
