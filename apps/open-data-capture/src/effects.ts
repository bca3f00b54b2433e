import { type Effect, type Effects, type LoadedRecord, Problem } from '@ostiary/server';

/** A session in a group makes its subject one of that group's, so that the group sees whom it met. */
async function subjectJoinsGroup({ record, system }: Effect): Promise<void> {
  const { groupId, subjectId } = record.values;
  if (typeof groupId !== 'string') return;
  const subject = await system.load('Subject', String(subjectId));
  const groupIds = (subject?.values.groupIds ?? []) as readonly string[];
  if (subject && !groupIds.includes(groupId))
    await system.update('Subject', subject.id, { groupIds: [...groupIds, groupId] });
}

/** A permission that is limited to a group names one that exists. */
async function permissionsNameGroups({ record, before, system }: Effect & { before?: LoadedRecord }): Promise<void> {
  const groupsOf = (of: LoadedRecord | undefined) =>
    ((of?.values.additionalPermissions ?? []) as readonly { readonly group?: string | null }[]).map(
      ({ group }) => group,
    );
  const known = before === record ? [] : groupsOf(before);
  for (const group of groupsOf(record)) {
    if (group && !known.includes(group) && !(await system.load('Group', group))) {
      throw new Problem('reference_not_found', {
        errors: [{ pointer: '/additionalPermissions', message: `there is no group ${group}` }],
      });
    }
  }
}

export const effects: Effects = {
  Session: { created: subjectJoinsGroup },
  User: { created: permissionsNameGroups, updated: permissionsNameGroups },
};
