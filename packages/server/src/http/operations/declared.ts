import type { Policy } from '@ostiary/policy';
import { collectionOf } from '@ostiary/policy/sql';
import type { FastifyRequest } from 'fastify';
import type { Root } from '../../application/addresses.js';
import { declaredTypes } from '../../declared/policy.js';
import { type Validator, validationProblem, validatorFor } from '../../input/validation.js';
import type { Asked, Offered } from '../route-decision.js';
import type { Describes, Operation, OperationSchema } from './operation.js';
import { operationsOf } from './operations.js';

/** What a request asks of a type that was declared, with what answers it. */
interface Found extends Asked {
  readonly operation: Operation;
  readonly checks: readonly Check[];
}

/** What of a request is checked, in the framework's order, as its schemas name it. */
const PARTS = ['params', 'body', 'querystring', 'headers'] as const;

interface Check {
  readonly part: (typeof PARTS)[number];
  readonly validate: Validator;
}

interface Collection {
  readonly type: string;
  readonly operations: readonly (Omit<Found, 'params' | 'type'> & { readonly segments: readonly string[] })[];
}

type Collections = ReadonlyMap<string, Collection>;

const collections = new WeakMap<Policy, Map<string, Collections>>();

/** The collections of declared types at a root, by their addresses below it: worked out once for each policy. */
function collectionsAt(from: Describes, root: Root): Collections {
  const { application, policy } = from;
  const known = collections.get(policy) ?? new Map<string, Collections>();
  collections.set(policy, known);
  const made =
    known.get(root.api) ??
    new Map(
      declaredTypes(application, policy).map((type) => {
        const operations = operationsOf(from, root, type).map((operation) => ({
          operation,
          segments: operation.path.split('/').slice(1),
          checks: checksOf(operation.schema),
        }));
        return [collectionOf(policy.model, type), { type, operations }] as const;
      }),
    );
  known.set(root.api, made);
  return made;
}

function checksOf(schema: OperationSchema): readonly Check[] {
  return PARTS.flatMap((part) => {
    const given = schema[part];
    return given === undefined ? [] : [{ part, validate: validatorFor(given) }];
  });
}

/**
 * What a request asks of a declared type; null where no such type has this address.
 * @param path below the root: the collection, and what follows
 */
export function findOperation(from: Describes, root: Root, method: string, path: string): Found | Offered | null {
  const [name = '', ...rest] = path.split('/');
  const found = collectionsAt(from, root).get(name);
  const fitting = (found?.operations ?? []).flatMap(({ operation, segments, checks }) => {
    const params = paramsOf(segments, rest);
    return params === null ? [] : [{ type: found?.type ?? '', operation, params, checks }];
  });
  // A word comes before an id.
  const [first] = fitting.toSorted((one, other) => Object.keys(one.params).length - Object.keys(other.params).length);
  if (first === undefined) return null;
  const here = fitting.filter(({ operation }) => operation.path === first.operation.path);
  const wanted = method === 'HEAD' ? 'GET' : method;
  return (
    here.find(({ operation }) => operation.method === wanted) ?? {
      methods: here.flatMap(({ operation: { method } }) => (method === 'GET' ? ['GET', 'HEAD'] : [method])),
    }
  );
}

function paramsOf(segments: readonly string[], given: readonly string[]): Record<string, string> | null {
  if (segments.length !== given.length) return null;
  const params: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    const value = given[index] ?? '';
    if (segment.startsWith(':') && value !== '') params[segment.slice(1)] = value;
    else if (segment !== value) return null;
  }
  return params;
}

/**
 * Checks a request by the schemas of what it asks, as the framework does for routes of its own.
 * @throws Problem `invalid_input`
 */
export function requireSchemas({ checks }: Pick<Found, 'checks'>, request: FastifyRequest): void {
  for (const { part, validate } of checks) {
    const value = part === 'querystring' ? request.query : (request[part] ?? null);
    if (!validate(value)) throw validationProblem(validate.errors ?? [], part);
  }
}
