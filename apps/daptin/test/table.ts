import { decide } from '@ostiary/policy';
import { BITS, EVERYTHING, permission } from '../src/bits.js';
import { NAMES, type Notes, WHO, type Who } from './notes.js';

/** What is asked about a note, in the order of the columns. */
export const ACTIONS = ['list', 'read', 'create', 'update', 'delete', 'execute', 'refer'] as const;
export type Action = (typeof ACTIONS)[number];

/** Where one bit is set, and what is set beside it. */
export interface Level {
  readonly title: string;
  readonly type: (bit: number) => number;
  readonly row: (bit: number) => number;
}

export const LEVELS: readonly Level[] = [
  { title: 'The entity has one bit, the row every', type: (bit) => bit, row: () => EVERYTHING },
  {
    title: 'The entity has one bit and GuestPeek, the row every',
    type: (bit) => bit | permission('GuestPeek'),
    row: () => EVERYTHING,
  },
  { title: 'The entity has every bit, the row one', type: () => EVERYTHING, row: (bit) => bit },
];

/** Answers whether somebody may do something with the owned note, as it is now. */
export type Ask = (who: Who, action: Action) => Promise<boolean>;

/** A cell: the first letters of who may, as in `gos`; with the administrator, who always may, in capitals. */
async function cell(ask: Ask, action: Action): Promise<string> {
  const letters = await Promise.all(
    WHO.map(async (who) => {
      const may = await ask(who, action);
      if (who === 'administrator') return may ? '' : ' but not the administrator';
      return may ? who.charAt(0) : '';
    }),
  );
  return letters.join('') || '-';
}

/** The table of a level: for each bit who may do what. */
export async function tableOf(
  level: Level,
  actions: readonly Action[],
  asker: (type: number, row: number) => Promise<Ask>,
): Promise<readonly string[]> {
  const lines = [`## ${level.title}`, '', line(['bit', ...actions]), line(['---', ...actions.map(() => '---')])];
  for (const name of NAMES) {
    const [type, row] = [level.type(BITS[name]), level.row(BITS[name])];
    const ask = await asker(type, row);
    const cells: string[] = [];
    for (const action of actions) cells.push(await cell(ask, action));
    lines.push(line([name, ...cells]));
  }
  return lines;
}

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** Asks the engine, in memory. */
export async function engine({ app, ids, permitType, permitNote }: Notes, type: number, row: number): Promise<Ask> {
  await permitType(type);
  await permitNote('owned', row);
  const { context } = app;
  await context.types.upTo(context.database.db, null);
  const record = await app.seed((system) => system.load('note', ids.owned));
  if (record === null) throw new TypeError('the note is gone');
  const environment = { now: app.clock.now().toISOString(), types: context.types.current };
  return async (who, action) => {
    const principal =
      who === 'guest'
        ? context.principals.guest('guest')
        : await context.principals.load(context.database.db, 'user', ids[who]);
    if (principal === null) throw new TypeError(`${who} is gone`);
    return decide(context.policy, principal, action, 'note', record.facts, environment).allowed;
  };
}
