import { Command } from 'commander';
import { auditCheckpointCommand } from './audit-checkpoint.js';
import { auditExportCommand } from './audit-export.js';
import { auditSearchCommand } from './audit-search.js';
import { auditVerifyCommand } from './audit-verify.js';

export function auditCommand(ends: (code: number) => void): Command {
  const audit = new Command('audit').description('the audit trail: who did what, on which record, and when');
  const commands = [auditSearchCommand(), auditExportCommand(), auditVerifyCommand(ends), auditCheckpointCommand()];
  for (const command of commands) audit.addCommand(command);
  return audit;
}
