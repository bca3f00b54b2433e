import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Context } from '../application/context.js';
import { auditBacklog } from '../audit/backlog.js';
import type { Installation } from '../installation.js';
import type { Presence } from '../presence/index.js';
import type { Tally } from '../telemetry/tally.js';
import type { Throttle } from '../throttle/throttle.js';

/** A request that was answered. All of it is of closed sets: what callers make up would be a series of its own each. */
export interface Answered {
  /** Undefined for what belongs to none. */
  readonly application: string | undefined;
  readonly method: string;
  /** The route's pattern; undefined where there was none. */
  readonly route: string | undefined;
  /** Null where the caller hung up before there was an answer. */
  readonly status: number | null;
  readonly milliseconds: number;
}

const REQUEST_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
const STATEMENT_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5];

/** What Prometheus is told of one server. What only sums up is counted elsewhere, and read when it asks. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #requests: (...labels: readonly string[]) => Observer;
  readonly #stopWatching: () => void;
  readonly #readBacklog: () => Promise<void>;
  #ofProcess = false;

  constructor(
    { contexts, database, runtime }: Installation,
    throttle: Throttle,
    running: () => number,
    presence: Presence | null,
  ) {
    const registers = [this.#registry];
    if (presence !== null) presenceMetrics(registers, presence);
    this.#requests = remembered(
      new Histogram({
        name: 'ostiary_http_request_duration_seconds',
        help: 'Requests by application, route, method and class of status',
        labelNames: ['application', 'route', 'method', 'status'],
        buckets: REQUEST_SECONDS,
        registers,
      }),
    );
    new Gauge({
      name: 'ostiary_http_requests_running',
      help: 'Requests that are worked on',
      registers,
      collect() {
        this.set(running());
      },
    });
    const statements = remembered(
      new Histogram({
        name: 'ostiary_database_statement_duration_seconds',
        help: 'Statements by what they do',
        labelNames: ['operation', 'outcome'],
        buckets: STATEMENT_SECONDS,
        registers,
      }),
    );
    this.#stopWatching = database.statements.watch(({ operation, milliseconds, failed }) => {
      statements(operation, failed ? 'failed' : 'done').observe(milliseconds / 1000);
    });

    const applications = [...contexts];
    const sums = (name: string, help: string, labels: readonly string[], tally: (of: Context) => Tally) =>
      new Counter({
        name,
        help,
        labelNames: ['application', ...labels],
        registers,
        collect() {
          this.reset();
          for (const [application, context] of applications)
            for (const [words, sum] of tally(context).sums()) this.inc(labelled(labels, words, { application }), sum);
        },
      });
    sums(
      'ostiary_decisions_total',
      'Decisions by application, action and outcome',
      ['action', 'outcome'],
      ({ decisions }) => decisions,
    );
    sums('ostiary_logins_total', 'Log-ins by outcome', ['outcome'], ({ identity }) => identity.logins);
    new Counter({
      name: 'ostiary_rate_limited_total',
      help: 'Requests that were refused because a rate was exceeded',
      labelNames: ['rate'],
      registers,
      collect() {
        this.reset();
        for (const [words, sum] of throttle.refusals.sums()) this.inc(labelled(['rate'], words), sum);
      },
    });

    new Gauge({
      name: 'ostiary_database_connections',
      help: 'Connections of this server to its database, and requests that wait for one',
      labelNames: ['state'],
      registers,
      collect() {
        const { totalCount, idleCount, waitingCount } = database.pool;
        this.set({ state: 'total' }, totalCount);
        this.set({ state: 'idle' }, idleCount);
        this.set({ state: 'waiting' }, waitingCount);
      },
    });
    const entries = new Gauge({
      name: 'ostiary_audit_unsealed_entries',
      help: 'Audit entries that are not sealed yet',
      registers,
    });
    const oldest = new Gauge({
      name: 'ostiary_audit_unsealed_oldest_seconds',
      help: 'Age of the oldest audit entry that is not sealed yet; 0 where all are',
      registers,
    });
    this.#readBacklog = async () => {
      // That the database does not answer is told by the lack of both.
      const backlog = await auditBacklog(database.db).catch(() => null);
      entries.remove();
      oldest.remove();
      if (backlog === null) return;
      entries.set(backlog.entries);
      const age = backlog.oldest === null ? 0 : runtime.now().getTime() - backlog.oldest.getTime();
      oldest.set(Math.max(0, age) / 1000);
    };
  }

  /** Counts a request. */
  answered({ application, method, route, status, milliseconds }: Answered): void {
    const outcome = status === null ? 'aborted' : `${Math.floor(status / 100)}xx`;
    this.#requests(application ?? '', route ?? '', method, outcome).observe(milliseconds / 1000);
  }

  /** Everything in Prometheus' text format. Those of the process are watched from the first time on. */
  async text(): Promise<{ readonly type: string; readonly body: string }> {
    if (!this.#ofProcess) {
      this.#ofProcess = true;
      collectDefaultMetrics({ register: this.#registry });
    }
    await this.#readBacklog();
    return { type: this.#registry.contentType, body: await this.#registry.metrics() };
  }

  close(): void {
    this.#stopWatching();
  }
}

function presenceMetrics(registers: Registry[], presence: Presence): void {
  new Gauge({
    name: 'ostiary_sockets',
    help: 'Sockets that are open on this server, by application and kind of principal',
    labelNames: ['application', 'kind'],
    registers,
    collect() {
      this.reset();
      for (const [application, kind, sockets] of presence.counts()) this.set({ application, kind }, sockets);
    },
  });
  new Counter({
    name: 'ostiary_events_total',
    help: 'Events that this server sent to sockets, or dropped',
    labelNames: ['application', 'outcome'],
    registers,
    collect() {
      this.reset();
      const labels = ['application', 'outcome'];
      for (const [words, sum] of presence.events.sums()) this.inc(labelled(labels, words), sum);
    },
  });
}

interface Observer {
  observe(value: number): void;
}

/** The series of a histogram by their labels: found again without sorting and checking them each time. */
function remembered(histogram: Histogram): (...labels: readonly string[]) => Observer {
  const series = new Map<string, Observer>();
  return (...labels) => {
    const key = labels.join(' ');
    const known = series.get(key);
    if (known !== undefined) return known;
    const made = histogram.labels(...labels);
    series.set(key, made);
    return made;
  };
}

function labelled(
  names: readonly string[],
  values: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return { ...more, ...Object.fromEntries(names.map((name, index) => [name, values[index] ?? ''])) };
}
