import { expect, test } from 'vitest';
import { toProblem } from '../src/http/problem-reply.js';

const failure = (message: string, code?: string) =>
  Object.assign(new Error(message), code === undefined ? {} : { code });

test.each([
  [failure('connect ECONNREFUSED', 'ECONNREFUSED'), 503],
  [failure('write EPIPE', 'EPIPE'), 503],
  [failure('read ECONNRESET', 'ECONNRESET'), 503],
  [failure('terminating connection due to administrator command', '57P01'), 503],
  [failure('terminating connection because of crash of another server process', '57P02'), 503],
  [failure('the database system is starting up', '57P03'), 503],
  [failure('sorry, too many clients already', '53300'), 503],
  [failure('connection failure', '08006'), 503],
  [failure('Connection terminated unexpectedly'), 503],
  [failure('Client has encountered a connection error and is not queryable'), 503],
  [failure('column does not exist', '42703'), 500],
  [failure('could not extend file: No space left on device', '53100'), 500],
  [failure('something else'), 500],
])('%s is told as %i', (error, status) => {
  const problem = toProblem(error);
  expect(problem.status).toBe(status);
  expect(problem.message, 'without what the database said').not.toContain(error.message);
});
