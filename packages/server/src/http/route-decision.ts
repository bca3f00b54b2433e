import type { FastifyRequest } from 'fastify';
import type { Context } from '../application/context.js';

/** What a route has decided about who may call it. Every route says one of these, or can't be registered. */
export type RouteDecision =
  /** Anyone: with the reason why. */
  | { readonly public: string }
  /** Whoever is logged in, and guests where it says so: with the reason why no rule is asked, or which is asked later. */
  | { readonly authenticated: string; readonly services?: boolean; readonly guests?: boolean }
  /** Whoever might do the action on some record of the type; records are decided on one by one. */
  | { readonly action: string; readonly type: string; readonly services?: boolean }
  /** The same for types that are declared while the server runs: what is asked of which is found from the address. */
  | { readonly declared: FindAsked; readonly services?: false };

/** Finds it by the address of the request; null where no such type has that. */
export type FindAsked = (context: Context, request: FastifyRequest) => Asked | Offered | null;

/** What a request asks of a type that was declared. */
export interface Asked {
  readonly type: string;
  readonly operation: {
    readonly action: string;
    /** Whether it is about the one record in its address. */
    readonly loads?: boolean;
  };
  readonly params: Readonly<Record<string, string>>;
}

/** The methods that an address offers, where it does not offer the one that was asked for. */
export interface Offered {
  readonly methods: readonly string[];
}

/** Whether a route lets guests in, where the application has them. */
export function admitsGuests({ application }: Context, decision: RouteDecision | undefined): boolean {
  if (application.guests === undefined || decision === undefined || 'public' in decision) return false;
  return 'action' in decision || 'declared' in decision || decision.guests === true;
}
