/** How the principals of one kind log in: which fields of their record hold what. */
export interface LoginSettings {
  /** The field with the user name. */
  readonly login: string;
  /** The secret field through which a password is set. */
  readonly password: string;
  /** The boolean field that disables the account. */
  readonly disabled?: string;
  /** The boolean field without which there is no logging in; open sessions, and other ways in, go on. */
  readonly enabled?: string;
  /**
   * Where they log in, below the application's address: `/auth/login`. With `roots`, it is `/api/<kind>/login`. Null where
   * only commands log them in.
   */
  readonly path?: string | null;
  /** Fields with names that a password must not resemble. */
  readonly names?: readonly string[];
  /** Further claims of their tokens, for a client to read, and the text fields that they are taken from: `{ email: 'email' }`. */
  readonly claims?: Readonly<Record<string, string>>;
}

/** How principals of a kind hold a token that stays good until it is replaced or revoked. */
export interface StaticTokenSettings {
  /** The boolean field without which the token is refused. */
  readonly enabled?: string;
}
