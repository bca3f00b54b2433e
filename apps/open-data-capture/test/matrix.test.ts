import { readFile, writeFile } from 'node:fs/promises';
import { decide, type Environment, possible, principal, type RecordFacts } from '@ostiary/policy';
import { matrix, matrixMarkdown, matrixTable } from '@ostiary/policy/matrix';
import { describe, expect, test } from 'vitest';
import { application } from '../src/index.js';
import { personas } from '../src/personas.js';

const GOLDEN = new URL('../matrix.golden.md', import.meta.url);
const { policy } = application;
const NOW: Environment = { now: '2026-03-02T10:00:00.000Z' };

test('the matrix is the one that was accepted', async () => {
  const computed = matrixMarkdown(policy, personas);
  if (process.env.OSTIARY_ACCEPT === '1') await writeFile(GOLDEN, computed);
  const accepted = await readFile(GOLDEN, 'utf8').catch(() => '');
  const [was, is] = [accepted.split('\n'), computed.split('\n')];
  const gone = was.filter((line) => !is.includes(line)).map((line) => `- ${line}`);
  const come = is.filter((line) => !was.includes(line)).map((line) => `+ ${line}`);
  const message = [
    'The rules give other rights than those in matrix.golden.md:',
    ...gone,
    ...come,
    'If that is what you want: npx ostiary matrix --app open-data-capture --write',
  ].join('\n');
  expect(accepted === computed, message).toBe(true);
});

test('the README shows the columns of the roles', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const roles = Object.fromEntries(Object.entries(personas).slice(0, 4));
  expect(readme, 'run: npx ostiary matrix --write').toContain(matrixTable(matrix(policy, roles)));
});

test('every rule, resource type and action is in the matrix', () => {
  const made = matrix(policy, personas);
  expect(made.unreached, 'no persona reaches these rules: add one to personas.ts, or delete the rule').toEqual([]);
  const rows = new Set(made.rows.map(({ type, action }) => `${type} ${action}`));
  for (const rule of policy.rules)
    for (const action of rule.actions) expect(rows.has(`${rule.type} ${action}`), rule.id).toBe(true);
  const silent = made.rows.filter(({ cells }) => cells.every(({ when }) => when.op === 'never'));
  // Nobody writes the audit trail, and a decision is nothing but read: a permission for it would be a dead letter.
  expect(silent.map(({ type, action }) => `${type} ${action}`)).toEqual([]);
});

/**
 * The table of the default permission sets, written down once more and not from the rules: what the golden matrix is
 * held to. `all` records, those of one's `own` groups, one's `self`, `none`. What is created may be in an own group or
 * in none (`own or none`), since creating in a foreign group is refused; `series` are the instruments of a manager.
 */
const TRANSCRIPT = `
  | Resource             | Action | ADMIN | GROUP_MANAGER | STANDARD    | no role |
  | Assignment           | read   | all   | own           | none        | none    |
  | Assignment           | create | all   | own           | none        | none    |
  | Assignment           | update | all   | own           | none        | none    |
  | Assignment           | delete | all   | own           | none        | none    |
  | Group                | read   | all   | own           | own         | none    |
  | Group                | create | all   | none          | none        | none    |
  | Group                | update | all   | own           | none        | none    |
  | Group                | delete | all   | own           | none        | none    |
  | Instrument           | read   | all   | all           | all         | none    |
  | Instrument           | create | all   | own or none   | none        | none    |
  | Instrument           | update | all   | none          | none        | none    |
  | Instrument           | delete | all   | own           | none        | none    |
  | InstrumentRepo       | read   | all   | own           | none        | none    |
  | InstrumentRepo       | create | all   | none          | none        | none    |
  | InstrumentRepo       | update | all   | none          | none        | none    |
  | InstrumentRepo       | delete | all   | none          | none        | none    |
  | InstrumentRecord     | read   | all   | own           | none        | none    |
  | InstrumentRecord     | create | all   | own or none   | own or none | none    |
  | InstrumentRecord     | update | all   | none          | none        | none    |
  | InstrumentRecord     | delete | all   | none          | none        | none    |
  | InstrumentRecordFile | read   | all   | own           | none        | none    |
  | InstrumentRecordFile | create | all   | own           | own         | none    |
  | InstrumentRecordFile | update | all   | none          | none        | none    |
  | InstrumentRecordFile | delete | all   | none          | none        | none    |
  | Session              | read   | all   | own           | own         | none    |
  | Session              | create | all   | own or none   | own or none | none    |
  | Session              | update | all   | none          | none        | none    |
  | Session              | delete | all   | none          | none        | none    |
  | Subject              | read   | all   | own           | own         | none    |
  | Subject              | create | all   | own or none   | own or none | none    |
  | Subject              | update | all   | none          | none        | none    |
  | Subject              | delete | all   | none          | none        | none    |
  | User                 | read   | all   | own and self  | self        | none    |
  | User                 | create | all   | none          | none        | none    |
  | User                 | update | all   | self          | self        | none    |
  | User                 | delete | all   | none          | none        | none    |
  | AuditLog             | read   | all   | none          | none        | none    |
`;

const [HEADER = [], ...ROWS] = TRANSCRIPT.trim()
  .split('\n')
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
const ROLES = HEADER.slice(2);

const ME = '01900000-0000-7000-8000-00000000000a';
const [OWN, SECOND, FOREIGN] = ['1', '2', '3'].map((digit) => `01900000-0000-7000-8000-00000000000${digit}`) as [
  string,
  string,
  string,
];

/** A record of any type that is in these groups, with the values by which rules look at it. */
function recordIn(type: string, groupIds: readonly string[], id = '01900000-0000-7000-8000-0000000000ff'): RecordFacts {
  const groupId = groupIds[0] ?? null;
  return {
    id: type === 'Group' ? (groupId ?? id) : id,
    groupId,
    groupIds,
    seriesGroupId: groupId,
    kind: 'SERIES',
    'subjectId.groupIds': groupIds,
    'recordId.groupId': groupId,
  };
}

describe('the rules say what the table of default permissions says', () => {
  const cells = ROWS.flatMap(([type = '', action = '', ...reach]) =>
    reach.map((says, index) => ({ type, action, role: ROLES[index] ?? '', says })),
  );

  test.each(cells)('$role: $action $type is $says', ({ type, action, role, says }) => {
    const basePermissionLevel = role === 'no role' ? null : role;
    const who = principal({
      kind: 'user',
      id: ME,
      attributes: { basePermissionLevel, groupIds: [OWN, SECOND] },
      grants: [],
    });
    const may = (record: RecordFacts) => decide(policy, who, action, type, record, NOW).allowed;
    const self = type === 'User' && may(recordIn(type, [], ME));
    const found = {
      own: may(recordIn(type, [OWN])) && may(recordIn(type, [SECOND])),
      foreign: may(recordIn(type, [FOREIGN])),
      none: may(recordIn(type, [])),
      self,
    };
    const wanted = {
      own: /all|own/.test(says),
      foreign: says === 'all',
      none: says === 'all' || says === 'own or none',
      self: type === 'User' && /all|self/.test(says),
    };
    expect(found).toEqual(wanted);
    expect(possible(policy, who, action, type, NOW)).toBe(says !== 'none');
    if (action === 'read') {
      expect(decide(policy, who, 'list', type, recordIn(type, [OWN]), NOW).allowed).toBe(wanted.own);
      expect(decide(policy, who, 'list', type, recordIn(type, [FOREIGN]), NOW).allowed).toBe(wanted.foreign);
    }
  });

  test('it speaks of every resource type and action', () => {
    const rows = new Set(ROWS.map(([type, action]) => `${type} ${action}`));
    const standard = ['read', 'create', 'update', 'delete'];
    const missing = Object.keys(policy.model.resources)
      .filter((type) => policy.model.resources[type]?.source === undefined)
      .flatMap((type) => standard.map((action) => `${type} ${action}`))
      .filter((row) => !rows.has(row));
    expect(missing, 'add a line to TRANSCRIPT, from the specification and not from the rules').toEqual([]);
  });
});
