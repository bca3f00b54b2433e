/*
 * What is stored may be whatever somebody typed, or put into the database: printed, it must not look like another line,
 * turn the direction of what stands beside it, or steer the terminal. Controls, formats, separators of lines, and what no
 * character is.
 */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** A text on one line, with what can't be seen written as `\u{…}`. */
export function visible(text: string): string {
  return text.replaceAll(UNSEEN, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

/** The same for a value, as JSON that still says the same. */
export function visibleJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(UNSEEN, (character) =>
    Array.from({ length: character.length }, (_, n) => character.charCodeAt(n))
      .map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`)
      .join(''),
  );
}
