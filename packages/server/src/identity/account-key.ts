/** An account by its key: which principal of which application. */
export interface AccountKey {
  readonly application: string;
  readonly kind: string;
  readonly principalId: string;
}

/** Who changes an account, for the audit trail. */
export interface Actor {
  readonly principal: { readonly kind: string; readonly id: string } | null;
  readonly requestId?: string;
}
