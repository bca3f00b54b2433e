/** Principals of one kind, who may keep a socket open, and so be online. */
export interface PresenceSettings {
  /** The boolean field of their record without which they may not. */
  readonly when?: string;
}

/** Something that happened, for those who are online. */
export interface Emitted {
  /** What, in a word of the application's own: `session.started`. */
  readonly event: string;
  /** The record that it is about. */
  readonly about: { readonly type: string; readonly id: string };
  /** Who is told. Where it is left out, whoever may read the record when it is told. */
  readonly to?: readonly { readonly kind: string; readonly id: string }[];
  /** More ids. Whoever is told sees all of it, whatever they may read: so nothing of the content of records. */
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** Tells those who are online, once the transaction is committed, and nobody if it is not. */
export type Emit = (emitted: Emitted) => Promise<void>;
