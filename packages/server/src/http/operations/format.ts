import type { Model } from '@ostiary/policy';
import type { FastifyReply } from 'fastify';
import type { Masked } from '../../application/records.js';
import type { Asking } from '../../json-api/answers.js';
import type { Input } from '../../json-api/body.js';
import type { LoadedRecord } from '../../storage/rows.js';
import type { OperationSchema } from './operation.js';

/** What a format says of an operation's schema: its query, its body and its answers. */
type Part = Pick<OperationSchema, 'querystring' | 'consumes' | 'body' | 'response'>;

/** How records travel: what is the same of every one of their operations is in `records.ts`. */
export interface Format {
  readonly schemas: Readonly<Record<'list' | 'read' | 'create' | 'update', (model: Model, type: string) => Part>> & {
    /** @param mayStay whether something else may be done in place of deleting it */
    readonly delete: (mayStay: boolean) => Part;
  };
  readonly list: (asking: Asking, type: string, reply: FastifyReply) => Promise<unknown>;
  /** @param loaded what is to be read, as it was loaded along with who asks; null where there is no such record */
  readonly read: (asking: Asking, type: string, loaded: LoadedRecord | null, reply: FastifyReply) => Promise<unknown>;
  readonly readInput: (model: Model, type: string, body: unknown) => Input;
  readonly readChanges: (model: Model, type: string, body: unknown, id: string) => Input;
  /** Does something with an input: what is wrong with a field of it is told with its place in the body. */
  readonly placed: <T>(model: Model, type: string, work: () => Promise<T>) => Promise<T>;
  /** Answers with a record that was written. */
  readonly answer: (asking: Asking, type: string, shown: Masked, reply: FastifyReply) => Promise<unknown>;
  /** Answers with what was done in place of deleting it. */
  readonly kept: (says: string, reply: FastifyReply) => unknown;
}
