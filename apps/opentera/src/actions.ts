import { type ActionHandler, changePasswordAction, staticTokenActions } from '@ostiary/server';

/** Static tokens are made for whoever can't log in, or need not. */
const tokens = ['Participant', 'Device', 'Service'].flatMap(staticTokenActions);

export const actions: readonly ActionHandler[] = [changePasswordAction('User'), ...tokens];
