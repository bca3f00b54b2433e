import type { Personas, Policy } from '@ostiary/policy';
import type { LockoutSettings } from '../identity/index.js';
import type { ActionHandler } from './actions.js';
import type { Command } from './commands.js';
import type { Effects } from './effects.js';
import type { LoginSettings, StaticTokenSettings } from './logins.js';
import type { PresenceSettings } from './presence.js';
import type { Demo, Seed } from './seed.js';
import type { SignOnSettings } from './sign-on.js';
import type { System } from './system.js';
import type { TokenSettings } from './tokens.js';

/** An application: a policy with what the server needs to serve it. No application is special to the server. */
export interface Application {
  /** What `policy` of @ostiary/policy made. */
  readonly policy: Policy;
  /**
   * The kind, one without records, of whoever comes without a token or with one that is none. Without it, both are
   * refused (401).
   */
  readonly guests?: string;
  /** With 'kind', each kind of principal has an API of its own, `/api/<kind>`, where no other kind's tokens are taken. */
  readonly roots?: 'kind';
  /** With 'json-api', its records are served as JSON:API 1.1, in place of plain JSON: see `docs/json-api.md`. */
  readonly api?: 'json-api';
  /** The kinds of people in the golden matrix, by the title of their column. Without them there is no matrix. */
  readonly personas?: Personas;
  /** How each kind of principal logs in; one that is left out has no password. */
  readonly logins: Readonly<Record<string, LoginSettings>>;
  readonly signOn?: SignOnSettings;
  /** By kind of principal, the boolean field without which an account is disabled, however its principal comes. */
  readonly enabled?: Readonly<Record<string, string>>;
  /** Kinds of principal that come with a static token, which `staticTokenActions` make and end. */
  readonly staticTokens?: Readonly<Record<string, StaticTokenSettings>>;
  readonly tokens?: TokenSettings;
  /** When guessing a password ends; five failures in a quarter of an hour, for as long, where nothing is said. */
  readonly lockout?: LockoutSettings;
  /** The kinds of principals that may be online: see `docs/presence.md`. */
  readonly presence?: Readonly<Record<string, PresenceSettings>>;
  /** Types that are declared while it runs: see `docs/model-language.md`. */
  readonly declared?: Declared;
  /** The kind and the fields of the first administrator, whom a set-up link or the command line makes. */
  readonly administrator: {
    readonly kind: string;
    readonly values: Readonly<Record<string, unknown>>;
    /** Makes one of whom was just made, where fields of their own don't: adds them to a group. */
    readonly made?: (system: System, id: string) => Promise<void>;
  };
  /** What the named actions do. */
  readonly actions?: readonly ActionHandler[];
  /** What is asked for by name, and is not an action of one record. */
  readonly commands?: readonly Command[];
  /** What happens along with a write, in its transaction. */
  readonly effects?: Effects;
  /** What every new application begins with, whether it gets demo data or not: groups that its rules know, for one. */
  readonly initial?: (seed: Seed) => Promise<void>;
  /** What a new installation is filled with, unless it is told not to be. */
  readonly demo?: Demo;
}

/** How records declare types. */
export interface Declared {
  /** The stored type of the policy whose records do. */
  readonly in: string;
  /** The fields of theirs that do: a change of another declares nothing. */
  readonly by: readonly string[];
  /**
   * The policy with the types that these records declare, and the rules about them; everything else of it is as it was.
   * @param rows every record, in the order in which they were made: its `id`, and these fields
   * @throws DeclarationError with the record and its place, or ModelError, for what can't be declared: then the record is not
   * written
   */
  readonly policy: (rows: readonly Readonly<Record<string, unknown>>[]) => Policy;
  /** Where in a record a field of a type is declared, as a JSON Pointer; null where it is not. */
  readonly at?: (row: Readonly<Record<string, unknown>>, type: string, field: string) => string | null;
  /** How many types there may be; 200 unless given. The policy is made anew with each declaration, on every server. */
  readonly most?: number;
}
