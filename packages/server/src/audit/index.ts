export type { SealedEntry } from './entry.js';
export { type ExportFormat, type ExportOptions, exportTrail } from './export.js';
export { describeFault, type Fault, type FaultKind } from './faults.js';
export { type Sealed, seal } from './seal.js';
export { type Sealer, type SealerOptions, startSealer } from './sealer.js';
export { type AuditFilters, type Selection, searchTrail, selectionOf } from './search.js';
export { type AuditEntry, type AuditEventName, INSTALLATION, writeAudit } from './trail.js';
export { type Verification, type VerifyOptions, verifyTrail } from './verify.js';
export { verifyExport } from './verify-export.js';
