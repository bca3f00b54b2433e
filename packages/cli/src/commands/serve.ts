import { isIP } from 'node:net';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { ServeOptions } from '../serve/serve.js';
import { dataOption, folder } from './options.js';

/** Long on purpose: whoever says it has read what it means. */
const TOLD_TWICE = '--i-know-that-everyone-knows-the-demo-passwords';

export function serveCommand(version: string): Command {
  return new Command('serve')
    .description('start the server')
    .option('--port <number>', 'where it listens; 0 for any that is free', port, 4000)
    .option('--host <address>', 'on which address of this machine', '127.0.0.1')
    .addOption(dataOption())
    .option('--demo', 'fill a new installation with demo data (the default, but not when NODE_ENV is production)')
    .option('--no-demo', 'leave a new installation empty')
    .option('--app <folder>', 'serve this application alone, at /; its folder, or its name under apps/', folder)
    .option('--cors-origin <origin>', 'let pages of this origin call it; repeatable', origin, [])
    .option(
      '--trusted-proxy <address>',
      'believe what this proxy, or range of them, says of who calls; repeatable',
      proxy,
      [],
    )
    .option('--drain-seconds <number>', 'how long running requests may take to end when it stops', seconds, 10)
    .addOption(new Option(TOLD_TWICE, 'serve demo data beyond this machine, or in production, all the same'))
    .addHelpText('after', ENVIRONMENT)
    .action(async (options: Omit<ServeOptions, 'version' | 'toldTwice'>, command: Command) => {
      const toldTwice = command.getOptionValue('iKnowThatEveryoneKnowsTheDemoPasswords') === true;
      // Loaded by this command alone.
      const { serve } = await import('../serve/serve.js');
      await serve({ ...options, version, toldTwice });
    });
}

const ENVIRONMENT = `
Environment:
  DATABASE_URL   a PostgreSQL, 15 or later, in place of the built-in one in the data folder
  SECRET_KEY     signs the tokens of applications that ask for it; 32 characters or more
  OSTIARY_SECRET_KEY  encrypts fields that applications want encrypted; 32 characters or more
  OSTIARY_URL    the public address, as people type it; then it is the issuer of tokens too
  OSTIARY_SIGN_ON  a file with the providers whose accounts people may sign in with (docs/sign-on.md)
  OSTIARY_RATE_LIMITS    requests a minute: read=30000,write=off; the rest as it is; or off
  OSTIARY_METRICS_TOKEN  whoever presents it reads /metrics, and nobody else
  OTEL_EXPORTER_OTLP_ENDPOINT  where spans are sent; none are made without
  OSTIARY_LOG    fatal, error, warn, info, debug, trace or silent (warn with demo data, info without)
  NODE_ENV       production: refuses demo data, and a secret that was not configured
`;

function port(text: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number <= 65_535) return number;
  throw new InvalidArgumentError('It is a number from 0 to 65535.');
}

function seconds(text: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number <= 3_600) return number;
  throw new InvalidArgumentError('It is a number of seconds, from 0 to 3600.');
}

/** An address, or a range of them in the notation of CIDR. */
function proxy(text: string, before: readonly string[]): readonly string[] {
  const [address = '', bits, ...rest] = text.split('/');
  const longest = { 4: 32, 6: 128 }[isIP(address)] ?? -1;
  const isRange = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) >= 1 && Number(bits) <= longest);
  if (longest > 0 && isRange && rest.length === 0) return [...before, text];
  throw new InvalidArgumentError('It is an address such as 10.0.0.2, or a range such as 10.0.0.0/8.');
}

function origin(text: string, before: readonly string[]): readonly string[] {
  if (!URL.canParse(text) || new URL(text).origin !== text) {
    throw new InvalidArgumentError('It is an origin, such as https://app.example.org.');
  }
  return [...before, text];
}
