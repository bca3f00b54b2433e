export type { ActionCall, ActionHandler } from './application/actions.js';
export { loginAddress, type Root, rootOf } from './application/addresses.js';
export type { Application } from './application/application.js';
export type { Authorized } from './application/authorized.js';
export type {
  Command,
  CommandAnswer,
  CommandCall,
  CommandCookie,
  CommandEyes,
  CommandHands,
} from './application/commands.js';
export type { Asker, Caller, Context, Service } from './application/context.js';
export type { Deleting, Effect, Effects } from './application/effects.js';
export type { LoginSettings, StaticTokenSettings } from './application/logins.js';
export type { Emit, Emitted, PresenceSettings } from './application/presence.js';
export type { Masked } from './application/records.js';
export { DEMO_PASSWORD, type Demo, type Seed } from './application/seed.js';
export type { Person, ProviderSettings, SignOnSettings } from './application/sign-on.js';
export { DEFAULT_TOKENS, type TokenSettings } from './application/tokens.js';
export {
  type AuditFilters,
  describeFault,
  type ExportFormat,
  exportTrail,
  type Fault,
  type FaultKind,
  INSTALLATION,
  latestCheckpoint,
  rotateAuditKey,
  type SealedEntry,
  type Sealer,
  type SealerOptions,
  seal,
  searchTrail,
  selectionOf,
  startSealer,
  type Verification,
  type VerifyOptions,
  verifyExport,
  verifyTrail,
  writeAudit,
} from './audit/index.js';
export { checkApplication } from './authoring/check-application.js';
export { ApplicationError } from './authoring/error.js';
export { type Answer, type AnswerContext, evaluate } from './decisions/evaluate.js';
export { explainDecision } from './decisions/explanation.js';
export type { Question } from './decisions/question.js';
export { DeclarationError } from './declared/error.js';
export {
  confirmPassword,
  createServiceKey,
  createSetupLink,
  hashPassword,
  type LockoutSettings,
  type LoginResult,
  listServiceKeys,
  login,
  passwordProblem,
  purgeExpired,
  revokeServiceKey,
  type ServiceKey,
  verifyPassword,
} from './identity/index.js';
export { type JsonSchema, Type } from './input/json-schema.js';
export { requireValid, requireValidChanges } from './input/require-valid.js';
export {
  createTables,
  findInstallation,
  type Installation,
  type InstallationOptions,
  openInstallation,
} from './installation.js';
export { ConfigurationError } from './keys/index.js';
export { PROBLEMS, Problem, type ProblemCode } from './problems.js';
export { preparePassword } from './records/accounts.js';
export { makeAdministrator } from './records/administrator.js';
export { changePasswordAction } from './records/change-password.js';
export { openField, reencrypt } from './records/encrypted.js';
export { staticTokenActions } from './records/static-token-actions.js';
export { System } from './records/system.js';
export { inTransaction } from './records/transaction.js';
export { Principals } from './rights/principals.js';
export { type Runtime, systemRuntime } from './runtime.js';
export { type Link, listLinks, readSignOn, removeLink, type SignOnConfiguration, toProvider } from './sign-on/index.js';
export { BackupError, type BackupSummary, backup, restore } from './storage/backup.js';
export { type Database, openDatabase, type Transaction } from './storage/database.js';
export {
  type EmbeddedCluster,
  EmbeddedError,
  type EmbeddedOptions,
  holdsDatabase,
  joinEmbedded,
  startEmbedded,
} from './storage/embedded/index.js';
export { SchemaError } from './storage/model-tables.js';
export type { LoadedRecord } from './storage/rows.js';
export { DEFAULT_RATES, NO_RATES, parseRates, type RateName, type Rates } from './throttle/rates.js';
