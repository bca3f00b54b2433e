import { remember } from '../remember.js';
import type { Scalar, Value } from './condition.js';

/** What a grant gives: a role on one scope, or (scope and id null) in the whole installation. */
export interface Grant {
  readonly role: string;
  readonly scope: string | null;
  readonly id: string | null;
}

/** What is known of a principal, as plain data. Grants are those in force now, closed under upward implication. */
export interface PrincipalFacts {
  readonly kind: string;
  readonly id: string;
  /** Values by path: `level`, `organisationId.tier`. */
  readonly attributes: Readonly<Record<string, Value>>;
  readonly grants: readonly Grant[];
  /** False for who came with a static token, or as a guest; left out, true. */
  readonly loggedIn?: boolean;
}

/**
 * What is known of a record: values by path (`groupId`, `projectId.siteId`), and for each link that a rule asks
 * about the linked records, by `linkKey`.
 */
export interface RecordFacts {
  readonly [path: string]: Value | readonly RecordFacts[] | undefined;
}

/** The attributes of resource types, by type and name. Another object where they are others: answers are kept by it. */
export type TypeAttributes = Readonly<Record<string, Readonly<Record<string, Value>>>>;

/** What is known beside the two: the time, and the attributes of resource types. */
export interface Environment {
  /** ISO 8601 in UTC with milliseconds: `2026-03-01T09:30:00.000Z`. Empty where it is not known. */
  readonly now: string;
  readonly types?: TypeAttributes;
}

/** A value of the principal, a set of values to look something up in, roles by scope as bits, or an answer about it. */
export type Slot = Value | ReadonlySet<Scalar> | ReadonlyMap<string, number> | undefined;

/** A principal made ready for many decisions: sets are hashed once. */
export interface Principal extends PrincipalFacts {
  readonly sets: Readonly<Record<string, ReadonlySet<Scalar>>>;
  /** Role and scope type to the scopes on which it is held. */
  readonly holdings: ReadonlyMap<string, ReadonlySet<string>>;
  /** Answers that a policy's conditions have asked for (`Slots`): the one thing here that is filled in later. */
  bound: Bound;
}

/** Answers, each under its number (`Slots`), and what says whose they are; null of nobody's. */
export interface Bound {
  readonly of: object | null;
  readonly [place: `s${number}`]: Slot;
}

const UNBOUND: Bound = { of: null };

/** The key of a link's records in `RecordFacts`. */
export function linkKey(link: { readonly type: string; readonly via: string; readonly at: readonly string[] }): string {
  return `${link.at.join('.')}<${link.type}.${link.via}`;
}

/** The key of a role in `Principal.holdings`. */
export function holdingKey(role: string, scope: string | null): string {
  return scope === null ? role : `${scope} ${role}`;
}

/** Whether it came with a password or another's sign-on. */
export function isLoggedIn({ loggedIn }: Pick<PrincipalFacts, 'loggedIn'>): boolean {
  return loggedIn !== false;
}

/** Prepares a principal for decisions. */
export function principal(facts: PrincipalFacts): Principal {
  const sets: Record<string, ReadonlySet<Scalar>> = {};
  for (const [path, value] of Object.entries(facts.attributes)) {
    if (Array.isArray(value)) sets[path] = new Set(value as readonly Scalar[]);
  }
  const holdings = new Map<string, Set<string>>();
  let [last, scopes]: [Grant | null, Set<string>] = [null, new Set()];
  for (const grant of facts.grants) {
    // They mostly come in runs, of thousands at times.
    if (grant.role !== last?.role || grant.scope !== last.scope) {
      scopes = remember(holdings, holdingKey(grant.role, grant.scope), () => new Set());
      last = grant;
    }
    if (grant.id !== null) scopes.add(grant.id);
  }
  return { ...facts, sets, holdings, bound: UNBOUND };
}

/** A principal of no kind, who has nothing. */
export const NOBODY: Principal = principal({ kind: '', id: '', attributes: {}, grants: [] });
