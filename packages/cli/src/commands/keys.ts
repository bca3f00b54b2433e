import { DEFAULT_TOKENS, reencrypt, rotateAuditKey, seal, systemRuntime } from '@ostiary/server';
import { Command, Option } from 'commander';
import { findAllApplications } from '../applications.js';
import { Failure } from '../failure.js';
import { forgetOldSecrets, rotateSecret, secretsAreConfigured } from '../field-secrets.js';
import { withInstallation, withTrail } from '../installation.js';
import { print, say } from '../terminal.js';
import { appsOption, dataOption } from './options.js';

interface Options {
  readonly data: string;
  readonly app: readonly string[];
  readonly audit?: boolean;
  readonly fields?: boolean;
}

export function keysCommand(): Command {
  const rotate = new Command('rotate')
    .description('sign with new keys from now on; the ones before verify until their last token has expired')
    .option('--audit', 'the key that signs the audit trail, in place of those that sign tokens')
    .addOption(
      new Option(
        '--fields',
        'what encrypts fields, in place of those that sign tokens: encrypts everything anew',
      ).conflicts('audit'),
    )
    .addOption(appsOption())
    .addOption(dataOption())
    .action(async (options: Options) => {
      if (options.fields) {
        await rotateFields(options);
        return;
      }
      if (options.audit) {
        await withTrail(options, async (trail) => {
          print(await rotateAuditKey(trail.database, systemRuntime));
          // So that the new key signs something from the beginning.
          await seal(trail);
        });
        say('What the keys before have signed stays valid. Tell those who verify by a key of the new one.');
        return;
      }
      await withInstallation(options, await findAllApplications(options.app), async ({ contexts, keys }) => {
        const tokens = [...contexts.values()].map(({ application }) => application.tokens ?? DEFAULT_TOKENS);
        for (const [name, { application }] of contexts) {
          const { algorithm, secretFrom = 'SECRET_KEY' } = application.tokens ?? DEFAULT_TOKENS;
          if (algorithm !== 'HS256') continue;
          say(
            `${name} signs with a secret: change ${secretFrom} and start the server again. Everyone is logged out then.`,
          );
        }
        const algorithms = new Set(tokens.map(({ algorithm }) => algorithm).filter((name) => name !== 'HS256'));
        if (algorithms.size === 0)
          throw new Failure('refused', 'No application signs with a key that can be rotated here.');
        for (const algorithm of algorithms) {
          print(`${algorithm} ${await keys.rotateSigningKey(algorithm)}`);
        }
      });
    });
  return new Command('keys').description('the keys that sign tokens, and the audit trail').addCommand(rotate);
}

/** Encrypts all encrypted fields with a new secret, or with the first one of those that are configured. */
async function rotateFields(options: Options): Promise<void> {
  const applications = await findAllApplications(options.app);
  const isFile = !secretsAreConfigured();
  if (isFile) {
    // Refuses where there is no installation, before anything is changed.
    await withInstallation(options, applications, async ({ contexts }) => {
      if ([...contexts.values()].every(({ fieldKeys }) => fieldKeys === null)) {
        throw new Failure('refused', 'No application encrypts a field. Nothing was changed.');
      }
    });
    await rotateSecret(options.data);
  }
  await withInstallation(options, applications, async ({ contexts }) => {
    for (const [name, context] of contexts) {
      if (context.fieldKeys !== null) print(`${name} ${await reencrypt(context)}`);
    }
  });
  if (isFile) await forgetOldSecrets(options.data);
  else say('The first of OSTIARY_SECRET_KEY encrypts everything now. Once all servers have it, leave the others out.');
}
