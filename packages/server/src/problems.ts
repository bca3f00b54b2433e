/**
 * Everything the server can refuse or fail with, as RFC 9457 problems. The codes are stable: programs may rely on them.
 */
export const PROBLEMS = {
  malformed_request: { status: 400, title: 'The request could not be read' },
  invalid_cursor: { status: 400, title: 'The cursor is not one that this list gave out' },
  not_authenticated: { status: 401, title: 'Log in first' },
  invalid_token: { status: 401, title: 'The token is not valid, or no longer' },
  invalid_credentials: { status: 401, title: 'The user name or the password is wrong' },
  account_disabled: { status: 403, title: 'This account is disabled' },
  account_locked: { status: 403, title: 'Too many failed attempts: this account is locked for a while' },
  not_allowed: { status: 403, title: 'You are not allowed to do this' },
  wrong_kind: { status: 403, title: 'This address is for principals of another kind' },
  field_not_allowed: { status: 403, title: 'You are not allowed to use this field here' },
  invalid_setup_link: { status: 403, title: 'The set-up link is not valid, or no longer' },
  sign_on_failed: { status: 403, title: 'Signing in with another account did not work' },
  sign_on_refused: { status: 403, title: 'This other account does not let you in here' },
  not_found: { status: 404, title: 'There is no such thing' },
  method_not_allowed: { status: 405, title: 'This method is not offered here' },
  not_acceptable: { status: 406, title: 'Nothing that you accept is offered here' },
  request_timeout: { status: 408, title: 'The request took too long to come in' },
  already_exists: { status: 409, title: 'Something with this name or number already exists' },
  still_referenced: { status: 409, title: 'Other records still refer to this one' },
  limit_reached: { status: 409, title: 'A limit has been reached' },
  conflict: { status: 409, title: 'The request conflicts with the present state' },
  version_mismatch: { status: 412, title: 'The record was changed in the meantime' },
  body_too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'This media type is not understood' },
  invalid_input: { status: 422, title: 'The input is not valid' },
  weak_password: { status: 422, title: 'The password is too weak' },
  too_many_types: { status: 422, title: 'No more types can be declared' },
  reference_not_found: { status: 422, title: 'The record refers to one that does not exist' },
  upgrade_required: { status: 426, title: 'Here a WebSocket is opened' },
  too_many_requests: { status: 429, title: 'Too many requests' },
  internal: { status: 500, title: 'Something went wrong on our side' },
  unavailable: { status: 503, title: 'Not ready, try again in a moment' },
} as const satisfies Record<string, { readonly status: number; readonly title: string }>;

export type ProblemCode = keyof typeof PROBLEMS;

/** What a problem may tell beside its code: nothing secret, and nothing that the caller may not read. */
export interface ProblemDetails {
  /** One sentence for a person. */
  readonly detail?: string;
  /** What was missing for an allow, in words. */
  readonly missing?: readonly string[];
  /** The decision's id, known to the audit trail. */
  readonly decision?: string;
  /** Where the input was wrong: JSON Pointer and message. */
  readonly errors?: readonly { readonly pointer: string; readonly message: string }[];
  /** What of the request `errors` are in, where it is not the body: told where answers have a place for it. */
  readonly part?: 'parameter' | 'header';
  /** Seconds until trying again makes sense: sent as `Retry-After`. */
  readonly retryAfter?: number;
}

/** A refusal or failure on its way to the caller. */
export class Problem extends Error {
  readonly status: number;

  constructor(
    readonly code: ProblemCode,
    readonly details: ProblemDetails = {},
    options?: ErrorOptions,
  ) {
    super(details.detail ?? PROBLEMS[code].title, options);
    this.name = 'Problem';
    this.status = PROBLEMS[code].status;
  }
}

/**
 * Does something with an input, and puts what is wrong with a field in its place in what was sent.
 * @param placeOf where that has a field
 */
export async function placed<T>(placeOf: (field: string) => string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Problem) || error.details.errors === undefined || error.details.part !== undefined)
      throw error;
    const errors = error.details.errors.map(({ pointer, message }) => {
      const [, field = '', rest = ''] = /^\/([^/]*)(.*)$/s.exec(pointer) ?? [];
      return { pointer: `${placeOf(field)}${rest}`, message };
    });
    throw new Problem(error.code, { ...error.details, errors }, { cause: error });
  }
}
