import type { Policy, Principal } from '@ostiary/policy';
import type { IdentityDependencies, Program } from '../identity/index.js';
import type { FieldKeys } from '../keys/index.js';
import type { Principals } from '../rights/principals.js';
import type { LiveTypes } from '../rights/type-attributes.js';
import type { Runtime } from '../runtime.js';
import type { Database } from '../storage/database.js';
import type { Tally } from '../telemetry/tally.js';
import type { Application } from './application.js';

/** One application as it is served: what every part of the server works with. */
export interface Context {
  readonly application: Application;
  /** The application's, with the types that are declared now. It never changes: another context has another one. */
  readonly policy: Policy;
  /** Which declarations the policy was made from; empty where types can't be declared. */
  readonly declarations: string;
  /** The ids of those that are left out, since no policy can be made with them. */
  readonly misfits: ReadonlySet<string>;
  readonly database: Database;
  readonly runtime: Runtime;
  readonly principals: Principals;
  /** The attributes of its resource types. */
  readonly types: LiveTypes;
  readonly identity: IdentityDependencies;
  /** What encrypts fields; null where no application of the installation has one that is encrypted. */
  readonly fieldKeys: FieldKeys | null;
  /** Decisions by action and outcome. */
  readonly decisions: Tally;
}

/** Who makes a request. A null principal is the installation itself: demo data, effects, the command line. */
export interface Caller {
  readonly principal: Principal | null;
  readonly sessionId: string | null;
  readonly requestId: string | null;
}

/** A program that asks for decisions with a key of its own. It is no principal, and never the installation itself. */
export interface Service {
  readonly service: Program;
  readonly requestId: string | null;
}

/** Who asks for decisions. */
export type Asker = Caller | Service;
