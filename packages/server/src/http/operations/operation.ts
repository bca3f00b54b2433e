import { type Model, resourceOf, spaced } from '@ostiary/policy';
import { collectionOf } from '@ostiary/policy/sql';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Root } from '../../application/addresses.js';
import type { Context } from '../../application/context.js';
import { type JsonSchema, Type } from '../../input/json-schema.js';
import { documentedAt } from '../root-documentation.js';

/** One thing that can be asked about the records of a type over HTTP, as data: routes and documentation are made from it. */
export interface Operation {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Below the address of the type's collection: empty, or as `/:id`. */
  readonly path: string;
  /** The action that has to be possible on some record of the type. */
  readonly action: string;
  /** Whether it is about the one record in its address, which is loaded along with who asks. */
  readonly loads?: boolean;
  /** Whether no body stands for an empty one. */
  readonly bodyOptional?: boolean;
  /** Its input, which is checked, and its documentation. */
  readonly schema: OperationSchema;
  /** Answers a request. It works with the context that it is given, and remembers none. */
  readonly handle: (context: Context, type: string, request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;
}

export interface OperationSchema {
  readonly tags: string[];
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly security: { readonly [scheme: string]: readonly string[] }[];
  readonly params?: JsonSchema;
  readonly querystring?: JsonSchema;
  readonly headers?: JsonSchema;
  /** The media types of the body, where it is not only JSON's own. */
  readonly consumes?: string[];
  readonly body?: JsonSchema;
  readonly response: Record<string, object>;
}

/** What operations are made from. */
export type Describes = Pick<Context, 'application' | 'policy'>;

/** The parameter of what is about one record. */
export const idParameter = Type.Object({ id: Type.String({ maxLength: 200 }) });

/** The address of a type's records, below that of the application. */
export function collectionAddress(root: Root, model: Model, type: string): string {
  return `${root.api}/${collectionOf(model, type)}`;
}

/** How the documentation speaks of an action on records of a type. */
export function describe(root: Root, model: Model, type: string, action: string, summary?: string) {
  const { says } = resourceOf(model, type);
  const usual = `${action[0]?.toUpperCase()}${action.slice(1)} ${spaced(type)}${action === 'list' ? 's' : ''}`;
  return {
    ...named(root, type, action, summary ?? usual),
    ...(says === undefined ? {} : { description: says }),
  };
}

/** How it speaks of what has a sentence of its own, and needs no words about the type. */
export function named(root: Root, type: string, action: string, summary: string) {
  return { ...documentedAt(root, type, `${action}${type}`), summary, security: [{ bearer: [] }] };
}
