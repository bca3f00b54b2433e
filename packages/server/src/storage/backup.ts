export { BackupError, type BackupErrorCode, type BackupSummary } from './backup/format.js';
export { restore } from './backup/restore.js';
export { backup } from './backup/write.js';
