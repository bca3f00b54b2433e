import { readFile, writeFile } from 'node:fs/promises';
import { matrix, matrixMarkdown } from '@ostiary/policy/matrix';
import { expect, test } from 'vitest';
import { application } from '../src/index.js';
import { personas } from '../src/personas.js';

const GOLDEN = new URL('../matrix.golden.md', import.meta.url);
const { policy } = application;

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
    'If that is what you want: npx ostiary matrix --app apps/opentera --write',
  ].join('\n');
  expect(accepted === computed, message).toBe(true);
});

test('every rule is in the matrix, and every action somebody may do', () => {
  const made = matrix(policy, personas);
  expect(made.unreached, 'no persona reaches these rules: add one to personas.ts, or delete the rule').toEqual([]);
  const silent = made.rows.filter(({ cells }) => cells.every(({ when }) => when.op === 'never'));
  expect(silent.map(({ type, action }) => `${type} ${action}`)).toEqual([]);
});

test('participants write nothing', () => {
  const made = matrix(policy, personas);
  const column = made.personas.indexOf('Participant');
  const writes = made.rows.filter(
    ({ action, cells }) =>
      !['list', 'read', 'assume'].includes(action) && (cells[column]?.when.op ?? 'never') !== 'never',
  );
  expect(writes.map(({ type, action }) => `${type} ${action}`)).toEqual([]);
});
