import type { Personas, Policy } from '@ostiary/policy';
import type { Context } from './context.js';
import type { ActionHandler } from './records/actions.js';
import type { Command } from './records/commands.js';
import type { Effects } from './records/effects.js';
import type { Seed } from './records/seed.js';
import type { System } from './records/system.js';
import type { Person, ProviderSettings } from './sign-on/index.js';

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

/** How people sign in with an account that they have elsewhere, where the installation has providers for it. */
export interface SignOnSettings {
  /** The kind of principal that does. */
  readonly kind: string;
  /**
   * The text field with an address that the application knows to be its owner's: by it somebody is found the first time.
   * Not one that people write as they like. Without it nobody is found by an address.
   */
  readonly email?: string;
  /** Makes accounts for people who have none; without it nobody does. None of them is an administrator's. */
  readonly newAccounts?: {
    /** The fields of the new record. */
    readonly values: (person: Person & { readonly email: string }) => Readonly<Record<string, unknown>>;
    /** With every provider, in place of those alone whose settings say so. */
    readonly always?: boolean;
  };
  /** Providers that are records of the application, by their names; read anew with each sign-on. */
  readonly connections?: (context: Context) => Promise<Readonly<Record<string, ProviderSettings>>>;
}

export interface TokenSettings {
  /** HS256 signs with a secret from the environment; the others with the installation's own keys, published as JWKS. */
  readonly algorithm: 'ES256' | 'EdDSA' | 'HS256';
  /** For HS256: the environment variable that holds the secret. */
  readonly secretFrom?: string;
  readonly lifetimeSeconds: number;
  /** With this, a log-in answers a refresh token too; each has to be used within so many seconds, and works once. */
  readonly refreshSeconds?: number;
  /** How long an access token is good that was made by a refresh; as long as after a log-in, where nothing is said. */
  readonly refreshedSeconds?: number;
  /** When a session ends, however often it is refreshed; 30 days after the log-in, where nothing is said. */
  readonly sessionSeconds?: number;
}

/** How principals of a kind hold a token that stays good until it is replaced or revoked. */
export interface StaticTokenSettings {
  /** The boolean field without which the token is refused. */
  readonly enabled?: string;
}

/** Where an application says nothing of its tokens: signed with the installation's keys, and good for an hour. */
export const DEFAULT_TOKENS: TokenSettings = { algorithm: 'ES256', lifetimeSeconds: 3600 };

/** When guessing a password ends; five failures in a quarter of an hour, for as long, where nothing is said. */
export interface LockoutSettings {
  readonly maxFailures: number;
  readonly windowSeconds: number;
  readonly lockSeconds: number;
}

/** Principals of one kind, who may keep a socket open, and so be online. */
export interface PresenceSettings {
  /** The boolean field of their record without which they may not. */
  readonly when?: string;
}

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

export interface Demo {
  /** Shown when the server starts; the password of each is `ostiary-demo`. */
  readonly accounts: readonly { readonly login: string; readonly says: string }[];
  /** Fills an empty application. */
  readonly load: (seed: Seed) => Promise<void>;
}
