import { open, readFile } from 'node:fs/promises';
import {
  describeFault,
  INSTALLATION,
  type Verification,
  type VerifyOptions,
  verifyExport,
  verifyTrail,
  writeAudit,
} from '@ostiary/server';
import { Command } from 'commander';
import { EXIT_CODES } from '../exit-codes.js';
import { Failure } from '../failure.js';
import { type Trail, withTrail } from '../installation.js';
import { print } from '../terminal.js';
import { visible } from '../visible.js';
import { dataOption } from './options.js';
import { progressIn } from './progress.js';

interface Options {
  readonly data: string;
  readonly key: readonly string[];
  readonly checkpoint: readonly string[];
}

const collect = (value: string, before: readonly string[]) => [...before, value];

export function auditVerifyCommand(ends: (code: number) => void): Command {
  return new Command('verify')
    .description(
      'find entries that were changed, removed, added, reordered or cut off: of the trail, or of an exported file',
    )
    .argument('[file]', 'what `ostiary audit export` wrote; no server is needed then')
    .option('--key <id>', 'believe what this key signed alone; repeatable', collect, [])
    .option('--checkpoint <file>', 'a checkpoint that was kept elsewhere, or a file of them; repeatable', collect, [])
    .addOption(dataOption())
    .action(async (file: string | undefined, options: Options) => {
      const how: VerifyOptions = {
        keys: options.key,
        checkpoints: (await Promise.all(options.checkpoint.map(checkpointsIn))).flat(),
        progress: progressIn('places of the chain'),
      };
      const found = file === undefined ? await verifyStored(options, how) : await verifyFile(file, how);
      for (const line of report(found)) print(visible(line));
      ends(found.faults.length > 0 ? EXIT_CODES.not_whole.code : EXIT_CODES.done.code);
    });
}

function verifyStored(options: Options, how: VerifyOptions): Promise<Verification> {
  const verify = async ({ database, runtime }: Trail) => {
    const found = await verifyTrail(database, { ...how, now: runtime.now() });
    const written = writeAudit(database.db, runtime, {
      application: INSTALLATION,
      event: 'audit.verified',
      outcome: 'allowed',
      detail: { whole: found.faults.length === 0, by: 'command line' },
    });
    // Where tables are gone there is nowhere to write, and that is told.
    await written.catch((error: unknown) => {
      if (found.faults.length === 0) throw error;
    });
    return found;
  };
  return withTrail(options, verify, true);
}

async function verifyFile(file: string, how: VerifyOptions): Promise<Verification> {
  const handle = await open(file).catch((cause: unknown) => {
    throw new Failure('usage', `${file} can't be read: ${(cause as Error).message}.`, { cause });
  });
  if ((await handle.stat()).isDirectory()) {
    await handle.close();
    throw new Failure('usage', `${file} is a folder: name a file that \`ostiary audit export\` wrote.`);
  }
  return verifyExport(handle.createReadStream(), how);
}

/** A checkpoint itself, or every one in a file: of the command `checkpoint`, or of a log. */
async function checkpointsIn(given: string): Promise<readonly string[]> {
  const jws = /\b[\w-]+\.[\w-]+\.[\w-]{80,}/g;
  if (given.match(jws)?.[0] === given) return [given];
  const text = await readFile(given, 'utf8').catch((cause: unknown) => {
    throw new Failure('usage', `${given} can't be read: ${(cause as Error).message}.`, { cause });
  });
  const found = text.match(jws) ?? [];
  if (found.length === 0) throw new Failure('usage', `There is no checkpoint in ${given}.`);
  return found;
}

/** What was found, as lines. */
function report(found: Verification): readonly string[] {
  const {
    faults,
    moreFaults,
    range,
    seals,
    entries,
    waiting,
    checkpoints,
    keys,
    installation,
    beforeFirst,
    notReached,
  } = found;
  const places = range === null ? 'nothing is sealed yet' : `seq ${range.first} to ${range.last}`;
  const leftOut = seals - entries;
  return [
    ...faults.map(describeFault),
    ...(moreFaults > 0 ? [`... and ${moreFaults} more`] : []),
    `Installation ${installation}, ${places}.`,
    `${count(seals, 'seal')}, ${count(entries, 'entry', 'entries')} compared, ${count(checkpoints, 'checkpoint')}.`,
    ...(waiting > 0
      ? [`${count(waiting, 'entry waits', 'entries wait')} to be sealed: of these nothing can be said yet.`]
      : []),
    ...(leftOut > 0 && faults.length === 0
      ? [`${count(leftOut, 'entry is', 'entries are')} not in the export: of each there is a digest alone.`]
      : []),
    ...(beforeFirst > 0
      ? [`${count(beforeFirst, 'checkpoint')} that you gave can't be compared: the export begins behind.`]
      : []),
    ...(notReached > 0
      ? [`${count(notReached, 'checkpoint')} that you gave can't be compared: the export ends before.`]
      : []),
    ...keys.map((key) => `Signed with the key ${key}.`),
    ...(faults.length === 0 ? whole(found) : [`NOT WHOLE: ${count(faults.length + moreFaults, 'fault')}.`]),
  ];
}

/** What a trail without a fault proves: its end, and all of it, can only be held against what was kept elsewhere. */
function whole({ range, comparedTo }: Verification): readonly string[] {
  if (range !== null && comparedTo !== null && comparedTo >= range.first) {
    const end = comparedTo < range.last ? ' What is behind fits together, and is signed with the keys above.' : '';
    return [
      `Whole: up to seq ${comparedTo}, nothing that was sealed was changed, removed, added, reordered or cut off.${end}`,
    ];
  }
  return [
    'Whole: what is here fits together, and is signed with the keys above.',
    'That its end was not cut off, and that it was not made anew, only a checkpoint can prove that was kept elsewhere:',
    '`ostiary audit checkpoint` prints one to keep, and `ostiary audit verify --checkpoint <file>` compares with it.',
  ];
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}
