import type { ProblemCode } from '../problems.js';

const BEGIN_AGAIN = 'The sign-on could not be finished. Begin again.';

/**
 * Why somebody does not get in, for the audit trail and for the page: a closed set. Whatever a provider or somebody between
 * does wrong is told in the same words, which help nobody to find out what was noticed.
 */
export const REASONS = {
  /** The state is unknown, used, expired, of another provider, or was begun in another browser. */
  state: { code: 'sign_on_failed', detail: BEGIN_AGAIN },
  /** The provider answered what can't be believed, or nothing. */
  answer: { code: 'sign_on_failed', detail: BEGIN_AGAIN },
  /** The one-time code is unknown, used, expired, or another browser's. */
  code: { code: 'sign_on_failed', detail: BEGIN_AGAIN },
  denied: { code: 'sign_on_refused', detail: 'The other side did not let you sign in, or you went back.' },
  address_missing: {
    code: 'sign_on_refused',
    detail: 'The other account tells no e-mail address, by which yours could be found here.',
  },
  address_unverified: {
    code: 'sign_on_refused',
    detail: 'The e-mail address of the other account is not verified there. Verify it there, and begin again.',
  },
  address_ambiguous: {
    code: 'sign_on_refused',
    detail:
      'Several accounts here have the e-mail address of the other account. An administrator has to set that right.',
  },
  linked_to_another: {
    code: 'sign_on_refused',
    detail: 'Your account here is linked with another account of this provider. Remove that link first.',
  },
  no_account: {
    code: 'sign_on_refused',
    detail: 'Nobody here has the verified e-mail address of the other account, and this way makes no accounts.',
  },
  account_not_made: {
    code: 'sign_on_refused',
    detail: 'No account could be made: its name is taken, or what the other account tells does not do for one.',
  },
  disabled: { code: 'account_disabled', detail: 'This account is disabled.' },
} as const satisfies Readonly<Record<string, { readonly code: ProblemCode; readonly detail: string }>>;

export type Reason = keyof typeof REASONS;

/** Somebody does not get in by sign-on. */
export class SignOnRefusal extends Error {
  constructor(
    readonly reason: Reason,
    options?: ErrorOptions & {
      /** The verified address, or the login of the account that it is about. */
      readonly login?: string;
    },
  ) {
    super(REASONS[reason].detail, options);
    this.name = 'SignOnRefusal';
    this.login = options?.login;
  }

  readonly login: string | undefined;
}
