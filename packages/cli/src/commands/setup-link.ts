import { createSetupLink } from '@ostiary/server';
import { Command, InvalidArgumentError } from 'commander';
import { setupRequest } from '../first-administrator.js';
import { type CommonOptions, withApplication } from '../installation.js';
import { recordedBase } from '../serve/place.js';
import { print, say } from '../terminal.js';
import { appOption, dataOption, newOption } from './options.js';

interface Options extends CommonOptions {
  readonly hours: number;
  readonly url?: string;
}

export function setupLinkCommand(): Command {
  return new Command('setup-link')
    .description('make a one-time link with which somebody makes the first administrator')
    .option('--hours <number>', 'how long it can be used', hours, 24)
    .option('--url <address>', "the application's address, for the request that is printed")
    .addOption(appOption())
    .addOption(dataOption())
    .addOption(newOption())
    .action(async (options: Options) => {
      await withApplication(options, async (context) => {
        const { name, title } = context.policy.model;
        const { token, expiresAt } = await createSetupLink(context, name, { validSeconds: options.hours * 3600 });
        const recorded = process.env.DATABASE_URL ? undefined : await recordedBase(options.data, name);
        const base = options.url ?? recorded ?? `${process.env.OSTIARY_URL || 'http://127.0.0.1:4000'}/${name}`;
        if (options.url === undefined && recorded === undefined) {
          say(`It is taken to be served at ${base}: for another address say --url.`);
        }
        say(`Good for one administrator of ${title}, until ${expiresAt.toISOString()}. Fill in the rest and run:`);
        print(setupRequest(context, base.replace(/\/$/, ''), token));
      });
    });
}

function hours(text: string): number {
  const number = Number(text);
  if (!(number > 0 && number <= 720)) throw new InvalidArgumentError('It is a number of hours, 720 at most.');
  return number;
}
