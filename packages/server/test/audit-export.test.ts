import { Readable } from 'node:stream';
import { describeFault, type Fault, type VerifyOptions, verifyExport, verifyTrail, writeAudit } from '@ostiary/server';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { entryId, exportedLines, fileOf, openTrail, short, type TestTrail, tamper } from './support/trail.js';

let trail: TestTrail;
/** Line 0 is the header; then come places 1 to 3 and a checkpoint, and so on; the last is the end. */
let lines: readonly string[];

beforeAll(async () => {
  trail = await openTrail();
  lines = await exportedLines(trail);
});
beforeEach(() => trail.reset());
afterAll(() => trail?.close());

const faultsOf = async (file: readonly string[], options: VerifyOptions = {}): Promise<readonly Fault[]> =>
  (await verifyExport(fileOf(file), options)).faults;
const header = () => JSON.parse(lines[0] ?? '');

test('an export is a header, every place with its entry, the checkpoints and a signed end', async () => {
  expect(header()).toMatchObject({ format: 'ostiary-audit', version: 1, first: 1, last: 9, filters: {} });
  expect(lines.map((line) => Object.keys(JSON.parse(line)).join())).toEqual([
    expect.any(String),
    ...[1, 2, 3].flatMap(() => [...Array(3).fill('seq,digest,hash,entry'), 'checkpoint']),
    'end',
  ]);
  expect(lines.join(), 'no private key').not.toMatch(/"d":/);
  const found = await verifyExport(fileOf(lines));
  expect(found).toMatchObject({ faults: [], range: { first: 1, last: 9 }, seals: 9, entries: 9, checkpoints: 3 });
  expect(found.keys).toEqual((await verifyTrail(trail.database)).keys);
});

const PLACES = [1, 2, 3, 5, 6, 7, 9, 10, 11];
const lineOf = (seq: number) => PLACES[seq - 1] ?? 0;
type Edit = (file: string[]) => readonly string[];
const replace =
  (seq: number, change: (place: Record<string, unknown>) => object): Edit =>
  (file) =>
    file.with(lineOf(seq), JSON.stringify(change(JSON.parse(file[lineOf(seq)] ?? ''))));
const swap =
  (a: number, b: number): Edit =>
  (file) =>
    file.with(lineOf(a), file[lineOf(b)] ?? '').with(lineOf(b), file[lineOf(a)] ?? '');
const swapAndRenumber: Edit = (file) =>
  replace(5, (place) => ({ ...place, seq: 5 }))([
    ...replace(4, (place) => ({ ...place, seq: 4 }))([...swap(4, 5)(file)]),
  ]);

/** What somebody did to a file, and what verifying says of it. */
const TAMPERINGS: readonly (readonly [string, Edit, readonly (string | RegExp)[]])[] = [
  [
    'an entry edited',
    replace(5, ({ entry, ...rest }) => ({ ...rest, entry: { ...(entry as object), outcome: 'refused' } })),
    ['changed 5 #5'],
  ],
  [
    'something added to an entry',
    replace(5, ({ entry, ...rest }) => ({ ...rest, entry: { ...(entry as object), more: 1 } })),
    ['changed 5 #5'],
  ],
  ['a line removed', (file) => file.toSpliced(lineOf(5), 1), ['removed 5']],
  ['the first line removed', (file) => file.toSpliced(lineOf(1), 1), ['removed 1']],
  ['the last line removed', (file) => file.toSpliced(lineOf(9), 1), ['truncated 9']],
  ['a line added', (file) => file.toSpliced(lineOf(5), 0, file[lineOf(5)] ?? ''), ['reordered 5 #5']],
  ['two lines swapped', swap(4, 5), ['reordered 4 #4']],
  ['two lines swapped and numbered anew', swapAndRenumber, ['reordered 4 #5', 'reordered 5 #4']],
  ['the file cut off', (file) => file.slice(0, lineOf(8)), ['truncated 8-9']],
  ['the end cut off', (file) => file.slice(0, -1), ['truncated']],
  ['an entry taken out, and its place left', replace(5, ({ entry: _, ...rest }) => rest), ['changed']],
  [
    'the filters in the header edited',
    (file) => file.with(0, JSON.stringify({ ...header(), filters: { who: 'jane' } })),
    ['changed'],
  ],
  [
    'cut off at a checkpoint, and the header edited',
    (file) => [JSON.stringify({ ...header(), last: 6 }), ...file.slice(1, 9), file.at(-1) ?? ''],
    ['changed'],
  ],
  ['a checkpoint removed', (file) => file.toSpliced(4, 1), ['checkpoint 6']],
  [
    'a checkpoint moved',
    (file) => [...file.slice(0, 4), ...file.slice(5, 7), file[4] ?? '', ...file.slice(7)],
    ['checkpoint 3'],
  ],
  ['a line that is no JSON', (file) => file.with(lineOf(5), '{'), ['removed 5', 'changed']],
  ['an entry that is a list', replace(5, (place) => ({ ...place, entry: [] })), ['removed 5', 'changed']],
  [
    'an entry whose names are no text',
    replace(5, ({ entry, ...rest }) => ({ ...rest, entry: { ...(entry as object), id: 5, at: undefined } })),
    ['removed 5', 'changed'],
  ],
  ['another end', (file) => file.with(-1, file[4]?.replace('checkpoint', 'end') ?? ''), ['changed']],
  ['lines behind the end', (file) => [...file, file[1] ?? ''], ['added']],
  [
    'the keys replaced',
    (file) =>
      file.with(
        0,
        JSON.stringify({
          ...header(),
          keys: { keys: [{ ...header().keys.keys[0], x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }] },
        }),
      ),
    ['checkpoint 3-9'],
  ],
];

test.each(TAMPERINGS)('a file is found out: %s', async (_says, edit, expected) => {
  const faults = await faultsOf(edit([...lines]));
  expect(faults.map(short), faults.map(describeFault).join('\n')).toEqual(expected);
});

/** What an editor or a transfer does to a file without changing what it says. */
test.each([
  ['a byte order mark', (text: string) => `\ufeff${text}`],
  ['carriage returns', (text: string) => text.replaceAll('\n', '\r\n')],
  ['no line feed at the end', (text: string) => text.slice(0, -1)],
])('a file with %s is whole', async (_says, edit) => {
  const bytes = Buffer.from(edit(lines.map((line) => `${line}\n`).join('')));
  const pieces = Array.from({ length: Math.ceil(bytes.length / 7) }, (_, n) => bytes.subarray(n * 7, n * 7 + 7));
  expect(await verifyExport(Readable.from(pieces))).toMatchObject({ faults: [], seals: 9, checkpoints: 3 });
});

test('a user name may hold what other programs take for the end of a line', async () => {
  for (const login of ['line\u2028separator', 'paragraph\u2029separator', 'next\u0085line', 'carriage\rreturn\nfeed']) {
    const entry = { application: 'trials', event: 'login.failed', outcome: 'refused', login } as const;
    await writeAudit(trail.database.db, trail.runtime, entry);
  }
  const exported = await exportedLines(trail);
  expect(exported.join()).toContain('line\u2028separator');
  expect(await verifyExport(fileOf(exported))).toMatchObject({ faults: [], entries: 13 });
});

test('a file under a key that is not the one that was kept is not believed', async () => {
  expect((await faultsOf(lines, { keys: ['another'] })).map(short)).toEqual(['checkpoint 3-9']);
  const [key = ''] = (await verifyTrail(trail.database)).keys;
  expect(await faultsOf(lines, { keys: [key] })).toEqual([]);
});

test('a checkpoint that was kept holds for a file, as far as it goes', async () => {
  const kept = JSON.parse(lines[8] ?? '').checkpoint;
  expect(await verifyExport(fileOf(lines), { checkpoints: [kept] })).toMatchObject({ faults: [], notReached: 0 });
  const early = await exportedLines(trail, { until: new Date(0) });
  expect(await verifyExport(fileOf(early), { checkpoints: [kept] })).toMatchObject({
    faults: [],
    notReached: 1,
    range: null,
  });
});

test('a checkpoint from before a part begins holds for what it begins behind, and any other is counted', async () => {
  const kept = [4, 8, 12].map((line) => JSON.parse(lines[line] ?? '').checkpoint as string);
  const part = await exportedLines(trail, { record: 'record 7' });
  const found = await verifyExport(fileOf(part), { checkpoints: kept });
  expect(found).toMatchObject({ faults: [], beforeFirst: 1, notReached: 0, range: { first: 7, last: 9 } });
  const behindAnother = part.with(0, JSON.stringify({ ...JSON.parse(part[0] ?? ''), previous: 'ab'.repeat(32) }));
  const faults = await faultsOf(behindAnother, { checkpoints: kept });
  expect(faults.map(short)).toContain('rewritten 6');
  expect(faults.map(describeFault).join()).toContain('what the file begins behind');
});

test('a part is whole by itself: what was not asked for is a place without its entry', async () => {
  const some = await exportedLines(trail, { record: 'record 5' });
  expect(some.slice(1).map((line) => [JSON.parse(line).seq, 'entry' in JSON.parse(line)])).toEqual([
    [5, true],
    [6, false],
    [undefined, false],
    [undefined, false],
  ]);
  const found = await verifyExport(fileOf(some));
  expect(found).toMatchObject({ faults: [], range: { first: 5, last: 6 }, seals: 2, entries: 1 });
  const ours = await exportedLines(trail, { application: 'trials' });
  expect(ours.join()).not.toContain('"application":"other"');
  expect(await verifyExport(fileOf(ours))).toMatchObject({ faults: [], seals: 9, entries: 5 });
});

test.each([[['']], [['{}']], [['seq,hash,id']], [['{"format":"ostiary-audit","version":1}']]])(
  'what is no export is refused: %j',
  async (file) => {
    await expect(verifyExport(fileOf(file))).rejects.toMatchObject({ code: 'malformed_request' });
  },
);

test('CSV has what was selected, and nothing that a spreadsheet would calculate', async () => {
  const said = ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', 'plain, "quoted"'];
  for (const [index, text] of said.entries()) {
    const set = `update ostiary.audit set login = '${text.replaceAll("'", "''")}' where id = '${entryId(index + 1)}'`;
    await tamper(trail.data, set);
  }
  const csv = (await exportedLines(trail, {}, 'csv')).join('\r\n');
  expect(csv.split('\r\n')[0]).toBe(
    'seq,hash,id,at,application,event,outcome,principalKind,principalId,login,action,resourceType,recordId,decisionId,rules,requestId,detail',
  );
  for (const text of said.slice(0, -1)) expect(csv).toMatch(new RegExp(`,"?'${text.replaceAll(/[+@()]/g, '\\$&')}"?,`));
  expect(csv).toContain('"plain, ""quoted"""');
  expect(csv).toContain('"{""fields"":[""label""],""number"":9}"');
  const one = await exportedLines(trail, { record: 'record 5' }, 'csv');
  expect(one).toHaveLength(2);
  expect(one[1]).toMatch(/^5,[0-9a-f]{64},019cae3f/);
});
