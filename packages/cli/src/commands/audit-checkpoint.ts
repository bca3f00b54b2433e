import { latestCheckpoint, seal } from '@ostiary/server';
import { Command } from 'commander';
import { Failure } from '../failure.js';
import { withTrail } from '../installation.js';
import { print, say } from '../terminal.js';
import { dataOption } from './options.js';

export function auditCheckpointCommand(): Command {
  return new Command('checkpoint')
    .description(
      'print the latest signed checkpoint, to be kept where nobody who can change the database can change it',
    )
    .addOption(dataOption())
    .action(async (options: { readonly data: string }) => {
      await withTrail(options, async (trail) => {
        await seal(trail);
        const jws = await latestCheckpoint(trail.database);
        if (jws === null) throw new Failure('refused', 'Nothing has happened yet: the audit trail is empty.');
        print(jws);
        say(
          'Keep it elsewhere. Later, `ostiary audit verify --checkpoint <file>` finds whatever was done to anything before it.',
        );
      });
    });
}
