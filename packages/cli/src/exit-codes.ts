/** Every way in which the command can end. Scripts may rely on the numbers. */
export const EXIT_CODES = {
  done: { code: 0, says: 'done; for check: yes' },
  refused: { code: 1, says: 'refused, and nothing was changed; for check: no; for matrix --check: it differs' },
  usage: { code: 2, says: 'the command line is wrong, or names something that does not exist' },
  port_in_use: { code: 3, says: 'the port is in use, or may not be used' },
  data_in_use: { code: 4, says: 'another server uses the data folder' },
  data_broken: { code: 5, says: 'the data folder cannot be used as it is' },
  configuration: { code: 6, says: 'the configuration or an application is wrong, or something is not installed' },
  database: { code: 7, says: 'the database does not answer' },
  not_whole: { code: 8, says: 'the audit trail is not whole: something was done to it' },
  unexpected: { code: 70, says: 'a fault of this program' },
  interrupted: { code: 130, says: 'ended at once: a command by Ctrl-C, the server by a second one' },
} as const satisfies Readonly<Record<string, { readonly code: number; readonly says: string }>>;

export type Exit = keyof typeof EXIT_CODES;

/** The table above, for the help text. */
export function exitCodeHelp(): string {
  const lines = Object.values(EXIT_CODES).map(({ code, says }) => `  ${String(code).padStart(3)}  ${says}`);
  return `\nExit codes:\n${lines.join('\n')}\n`;
}
