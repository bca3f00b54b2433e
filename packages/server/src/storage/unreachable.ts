/** What the system says of a socket that nobody answers at, or that broke. */
const SYSTEM = ['ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EPIPE'];
/** Shut down, crashed, starting up; too many connections; and class 08, all about connections (PostgreSQL, appendix A). */
const STATES = /^(57P0[123]|53300|08...)$/;
/** What the driver says of a connection that broke under it: it has no code for that. */
const SENTENCES = [
  'Connection terminated unexpectedly',
  'Client has encountered a connection error and is not queryable',
];

/** Whether an error says that the database is away, or went away: what was asked may have been done then, or not. */
export function isUnreachable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as { readonly code?: unknown };
  if (typeof code === 'string') return SYSTEM.includes(code) || STATES.test(code);
  return SENTENCES.includes(error.message);
}
