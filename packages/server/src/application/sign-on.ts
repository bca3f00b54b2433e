import type { Context } from './context.js';

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

/** A person, as a provider vouches for them. */
export interface Person {
  /** The provider's name. */
  readonly provider: string;
  readonly issuer: string;
  /** The provider's own id of the person: never given to another one. */
  readonly subject: string;
  /** An address that the provider has verified; null where it has none, or has not. */
  readonly email: string | null;
  /** Whether the provider told an address that it has not verified. */
  readonly emailUnverified: boolean;
  readonly name: string | null;
}

/** A provider as a person writes it down: a preset or an issuer, or the endpoints of OAuth 2.0. */
export interface ProviderSettings {
  readonly preset?: PresetName;
  readonly title?: string;
  readonly login?: boolean;
  readonly newAccounts?: boolean;
  readonly clientId: string;
  readonly clientSecret?: string;
  readonly clientAuthentication?: 'client_secret_basic' | 'client_secret_post';
  readonly scopes?: readonly string[];
  readonly issuer?: string;
  readonly authorizationEndpoint?: string;
  readonly tokenEndpoint?: string;
  readonly profileEndpoint?: string;
  readonly emailsEndpoint?: string;
  readonly claims?: Partial<Claims>;
}

/** Providers of which no more than the client has to be said. */
export type PresetName = 'google' | 'dropbox' | 'linkedin' | 'microsoft' | 'github';

/** In which members of what a provider tells the person's data are. */
export interface Claims {
  readonly subject: string;
  readonly email: string;
  /** The member that says whether the address is verified. */
  readonly verified: string;
  readonly name: string;
}
