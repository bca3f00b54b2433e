import { type ActionHandler, changePasswordAction, Problem, Type } from '@ostiary/server';

const cancelAssignment: ActionHandler = {
  type: 'Assignment',
  action: 'cancel',
  says: 'Cancel an assignment that is still outstanding',
  input: Type.Object({}, { additionalProperties: false }),
  run: async ({ handle, change }) => {
    const { status } = handle.record.values;
    if (status !== 'OUTSTANDING')
      throw new Problem('conflict', { detail: `The assignment is ${String(status)} already.` });
    await change({ status: 'CANCELED' });
    return { status: 'CANCELED' };
  },
};

export const actions: readonly ActionHandler[] = [changePasswordAction('User'), cancelAssignment];
