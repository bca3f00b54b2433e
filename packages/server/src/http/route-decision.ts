import type { Context } from '../context.js';

/** What a route has decided about who may call it. Every route says one of these, or can't be registered. */
export type RouteDecision =
  /** Anyone: with the reason why. */
  | { readonly public: string }
  /** Whoever is logged in, and guests where it says so: with the reason why no rule is asked, or which is asked later. */
  | { readonly authenticated: string; readonly services?: boolean; readonly guests?: boolean }
  /** Whoever might do the action on some record of the type; records are decided on one by one. */
  | { readonly action: string; readonly type: string; readonly services?: boolean };

/** Whether a route lets guests in, where the application has them. */
export function admitsGuests({ application }: Context, decision: RouteDecision | undefined): boolean {
  if (application.guests === undefined || decision === undefined || 'public' in decision) return false;
  return 'action' in decision || decision.guests === true;
}
