export type { Authorized } from './access/access.js';
export { Principals } from './access/principals.js';
export { loginAddress, type Root, rootOf } from './addresses.js';
export {
  type Application,
  DEFAULT_TOKENS,
  type Demo,
  type LockoutSettings,
  type LoginSettings,
  type PresenceSettings,
  type SignOnSettings,
  type StaticTokenSettings,
  type TokenSettings,
} from './application.js';
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
export type { Asker, Caller, Context, Service } from './context.js';
export { type Answer, type AnswerContext, evaluate } from './decisions/evaluate.js';
export { explainDecision } from './decisions/explanation.js';
export type { Question } from './decisions/question.js';
export { DeclarationError } from './declared/error.js';
export {
  confirmPassword,
  createServiceKey,
  createSetupLink,
  hashPassword,
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
export type { Emit, Emitted } from './presence/index.js';
export { PROBLEMS, Problem, type ProblemCode } from './problems.js';
export { preparePassword } from './records/accounts.js';
export type { ActionCall, ActionHandler } from './records/actions.js';
export { makeAdministrator } from './records/administrator.js';
export { changePasswordAction } from './records/change-password.js';
export type { CommandEyes, CommandHands } from './records/command-hands.js';
export type {
  Command,
  CommandAnswer,
  CommandCall,
  CommandCookie,
} from './records/commands.js';
export type { Deleting, Effect, Effects } from './records/effects.js';
export { openField, reencrypt } from './records/encrypted.js';
export type { Masked } from './records/mask.js';
export { DEMO_PASSWORD, type Seed } from './records/seed.js';
export { staticTokenActions } from './records/static-token-actions.js';
export { System } from './records/system.js';
export { inTransaction } from './records/write.js';
export { type Runtime, systemRuntime } from './runtime.js';
export {
  type Link,
  listLinks,
  type Person,
  type ProviderSettings,
  readSignOn,
  removeLink,
  type SignOnConfiguration,
  toProvider,
} from './sign-on/index.js';
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
