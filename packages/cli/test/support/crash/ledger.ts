/** What is known of one record: null values where there is none. Entries are how often the trail tells each event of it. */
export interface State {
  readonly values: Readonly<Record<string, unknown>> | null;
  readonly version: number;
  /** As it was answered; not known of a write without an answer. */
  readonly updatedAt?: string;
  readonly entries: Readonly<Record<string, number>>;
}

export type TrackedType = 'Subject' | 'Session' | 'User';

/** A record that one writer alone writes. */
export interface Tracked {
  readonly type: TrackedType;
  /** By what it is found where its id was never answered: a number, its subject, its user name. */
  readonly key: string;
  id: string | null;
  state: State;
}

export const NOTHING: State = { values: null, version: 0, entries: {} };

/** What one request does, if it does it: to all of these records, or to none. */
export type Changes = readonly { readonly of: Tracked; readonly to: State }[];

/** Everything that was sent, by what is known of it. */
export class Ledger {
  readonly tracked = new Set<Tracked>();
  /** Sent, and not answered. The next check finds out what became of it. */
  readonly pending = new Set<Changes>();
  /** The ids of decisions that refused. */
  readonly refusals: string[] = [];
  /** Records that were touched since the last check. */
  readonly touched = new Set<Tracked>();
  readonly shared = new SharedRecord();
  acknowledged = 0;
  unanswered = 0;

  send(changes: Changes): void {
    for (const { of } of changes) {
      this.tracked.add(of);
      this.touched.add(of);
    }
  }

  /** It was never there: another one may come to be found by its key. */
  forget(record: Tracked): void {
    this.tracked.delete(record);
    this.touched.delete(record);
  }

  apply(changes: Changes): void {
    for (const { of, to } of changes) of.state = to;
  }
}

/** The record that all writers change, each only what it has seen: every version is one writer's, and no one else's. */
export class SharedRecord {
  id = '';
  seen = 1;
  readonly acknowledged = new Map<number, string>();
  readonly unanswered: { readonly version: number; readonly value: string }[] = [];
}

/** The state after one more write, with what the trail should tell of it. */
export function after(state: State, values: State['values'], events: readonly string[]): State {
  const entries: Record<string, number> = { ...state.entries };
  for (const event of events) entries[event] = (entries[event] ?? 0) + 1;
  return { values: values === null ? null : { ...state.values, ...values }, version: state.version + 1, entries };
}
