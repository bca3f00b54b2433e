import type { TokenService } from '../keys/tokens.js';
import type { Runtime } from '../runtime.js';
import type { Database } from '../storage/database.js';
import type { Tally } from '../telemetry/tally.js';
import type { LockoutSettings } from './lockout.js';
import type { RefreshSettings } from './refresh-tokens.js';

/** What telling who somebody is needs, for one application. */
export interface IdentityDependencies {
  readonly database: Database;
  readonly runtime: Runtime;
  readonly tokens: TokenService;
  readonly lockout: LockoutSettings;
  /** Left out, log-ins give no refresh tokens. */
  readonly refresh?: RefreshSettings;
  /** Further claims of a principal's tokens. */
  readonly claims?: (kind: string, principalId: string) => Promise<Readonly<Record<string, unknown>>>;
  /** Log-ins by what came of them. */
  readonly logins: Tally;
}
