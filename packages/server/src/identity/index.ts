export type { AccountKey, Actor } from './account-key.js';
export {
  createAccount,
  deleteAccount,
  type NewAccount,
  setDisabled,
  setLogin,
  setPassword,
  setWayDisabled,
} from './accounts.js';
export { authenticate, authenticateAlong, type Identity } from './authenticate.js';
export { confirmPassword } from './confirm-password.js';
export type { IdentityDependencies } from './dependencies.js';
export { admitGuest, RevokedToken } from './guest.js';
export { NOTHING } from './live.js';
export { DEFAULT_LOCKOUT, type LockoutSettings } from './lockout.js';
export { type LoginAttempt, type LoginElsewhere, type LoginResult, login, loginElsewhere } from './login.js';
export { type PasswordContext, passwordProblem } from './password-strength.js';
export { hashPassword, type PasswordHash, verifyPassword } from './passwords.js';
export { purgeExpired } from './purge.js';
export { type Refreshed, refresh } from './refresh.js';
export type { RefreshSettings } from './refresh-tokens.js';
export {
  authenticateService,
  createServiceKey,
  isServiceKey,
  listServiceKeys,
  type Program,
  revokeServiceKey,
  type ServiceKey,
} from './service-keys.js';
export { logout, revokeAll } from './sessions.js';
export { createSetupLink, redeemSetupLink } from './setup-links.js';
export { createSocketTicket, isSocketTicket, redeemSocketTicket } from './socket-tickets.js';
export { type Credential, standingCredentials } from './standing.js';
export { authenticateStatic, isStaticToken, revokeStaticToken, rotateStaticToken } from './static-tokens.js';
