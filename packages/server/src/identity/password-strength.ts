import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { adjacencyGraphs, dictionary } from '@zxcvbn-ts/language-common';
import { Problem } from '../problems.js';
import { MAX_PASSWORD_LENGTH } from './passwords.js';

/** What a password must not be guessable from. */
export interface PasswordContext {
  readonly login?: string;
  /** Names of the person, of the organisation, of the application. */
  readonly names?: readonly string[];
}

/** Shortest password, in characters (Unicode code points). */
const MIN_LENGTH = 8;
/** zxcvbn's scale is 0 to 4. 3 is 'safely unguessable': 10^8 guesses or more. */
const MIN_SCORE = 3;
/** The estimate takes more than linear time (half a second for 256 characters): this much of a password must do. */
const ESTIMATED_LENGTH = 64;
const MAX_NAMES = 16;
/** What stands on every installation's door. docs/security.md lists the words that passwords are measured against. */
const OWN_NAMES = ['Ostiary'];

/** Words for what zxcvbn finds. */
const WARNINGS: Readonly<Record<string, string>> = {
  straightRow: 'keys in a row are easy to guess',
  keyPattern: 'patterns on the keyboard are easy to guess',
  simpleRepeat: 'repeated characters are easy to guess',
  extendedRepeat: 'repeated parts are easy to guess',
  sequences: 'sequences like abc or 123 are easy to guess',
  recentYears: 'years are easy to guess',
  dates: 'dates are easy to guess',
  topTen: 'it is one of the most used passwords',
  topHundred: 'it is one of the most used passwords',
  common: 'it is a common password',
  similarToCommon: 'it is much like a common password',
  wordByItself: 'a single word is easy to guess',
  userInputs: 'it holds your user name, your name, or the name of what it opens',
};

/**
 * Judges a password that somebody wants to set: null, or the problem `weak_password` with what to change. It never
 * repeats the password.
 */
export function passwordProblem(password: string, context: PasswordContext = {}): Problem | null {
  const { login, names = [] } = context;
  if (password.length > MAX_PASSWORD_LENGTH) return weak(`take at most ${MAX_PASSWORD_LENGTH} characters`);
  if ([...password].length < MIN_LENGTH) return weak(`take at least ${MIN_LENGTH} characters`);
  const folded = password.toLowerCase();
  if (login !== undefined && folded === login.toLowerCase()) return weak('it is your user name');
  const estimate = estimator();
  if (estimate.common.has(folded)) return weak('it is a common password');
  const { score, feedback } = estimate.zxcvbn.check(password, hints(login, [...OWN_NAMES, ...names]));
  if (score >= MIN_SCORE) return null;
  return weak(WARNINGS[feedback.warning ?? ''] ?? 'add a few more words or characters');
}

function weak(advice: string): Problem {
  return new Problem('weak_password', { detail: `The password is too weak: ${advice}` });
}

/** The names, and their words by themselves. */
function hints(login: string | undefined, names: readonly string[]): string[] {
  const whole = [...(login === undefined ? [] : [login]), ...names].slice(0, MAX_NAMES);
  return whole.flatMap((name) => {
    const short = name.slice(0, ESTIMATED_LENGTH);
    return [short, ...short.split(/[^\p{L}\p{N}]+/u).filter((word) => word.length > 2)];
  });
}

interface Estimator {
  readonly zxcvbn: ZxcvbnFactory;
  readonly common: ReadonlySet<string>;
}

let made: Estimator | undefined;

/** Made when the first password is judged: indexing the dictionaries takes a moment. */
function estimator(): Estimator {
  made ??= {
    zxcvbn: new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs, maxLength: ESTIMATED_LENGTH }),
    common: new Set(dictionary['passwords-common'].map((password) => password.toLowerCase())),
  };
  return made;
}
