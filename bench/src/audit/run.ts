import {
  type Installation,
  openInstallation,
  type Runtime,
  seal,
  startSealer,
  systemRuntime,
  type Transaction,
  writeAudit,
} from '@ostiary/server';
import { alternate, type Candidate } from '../measure.js';
import { openScratch } from '../scratch.js';
import { surveyApplication } from '../surveys/application.js';
import { number, printTable } from '../table.js';

const WRITERS = 16;
const ENTRIES = 3_000;

/** What sealing the audit trail costs those who write to it: entries alone, each in a transaction of its own. */
export async function benchAudit(rounds: number): Promise<void> {
  const scratch = await openScratch();
  try {
    const installation = await openInstallation({
      database: await scratch.database('audit'),
      runtime: systemRuntime,
      applications: [surveyApplication],
      production: false,
      environment: {},
      demo: false,
    });
    const all: readonly Candidate[] = [
      { name: 'an entry that nobody will seal', amount: ENTRIES, run: (amount) => write(installation, amount, bare) },
      { name: 'queued to be sealed', amount: ENTRIES, run: (amount) => write(installation, amount, queued) },
      {
        name: 'sealed beside the writers, to the last',
        amount: ENTRIES,
        before: () => seal(installation),
        run: (amount) => sealed(installation, amount),
      },
    ];
    const measured = await alternate(all, rounds);
    printTable(
      `D. Writing to the audit trail, ${WRITERS} writers (median of ${rounds} rounds)`,
      ['each entry in a transaction of its own', 'entries/s', 'share of the first'],
      measured.map(({ name, perSecond, ratio }) => [name, number(perSecond), number(ratio)]),
    );
  } finally {
    await scratch.close();
  }
}

type Write = (transaction: Transaction, runtime: Runtime) => Promise<unknown>;

const queued: Write = (transaction, runtime) =>
  writeAudit(transaction, runtime, { application: 'surveys', event: 'record.updated', outcome: 'allowed' });

const bare: Write = (transaction, runtime) =>
  transaction
    .insertInto('ostiary.audit')
    .values({
      id: runtime.id(),
      at: runtime.now(),
      application: 'surveys',
      event: 'record.updated',
      outcome: 'allowed',
      rules: [],
      detail: '{}',
    })
    .execute();

async function write({ database, runtime }: Installation, amount: number, one: Write): Promise<void> {
  let left = amount;
  const writer = async () => {
    while (left > 0) {
      left -= 1;
      await database.db.transaction().execute((transaction) => one(transaction, runtime));
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
}

async function sealed(installation: Installation, amount: number): Promise<void> {
  const sealer = startSealer(installation, { intervalMilliseconds: 100 });
  await write(installation, amount, queued);
  await sealer.stop();
}
