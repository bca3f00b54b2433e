import type { Context, Question } from '@ostiary/server';
import { Failure } from '../failure.js';

/** `JaneDoe` or `user:JaneDoe`, `update`, `Session`, and perhaps an id, as a question. */
export function question(context: Context, principal: string, action: string, type: string, id?: string): Question {
  return {
    subject: whom(context, principal),
    action: { name: action },
    resource: { type, ...(id === undefined ? {} : { id }) },
  };
}

function whom({ policy, application }: Context, principal: string): Question['subject'] {
  const colon = principal.indexOf(':');
  const kinds = Object.keys(policy.model.principals);
  if (colon > 0 && kinds.includes(principal.slice(0, colon))) {
    return { type: principal.slice(0, colon), id: principal.slice(colon + 1) };
  }
  return { type: application.administrator.kind, id: principal };
}

/** For `.catch`: a principal that is not there is a mistake in the command, not an answer. */
export function unknownPrincipal(principal: string): (error: unknown) => never {
  return (error) => {
    if ((error as { readonly code?: unknown }).code !== 'not_found') throw error;
    throw new Failure(
      'usage',
      `There is no principal '${principal}': give a user name or an id, with its kind if need be (user:JaneDoe).`,
    );
  };
}

/** What a question says, as a sentence. */
export function sentence({ subject, action, resource }: Question): string {
  return `${subject.id} may ${action.name} ${resource.type}${resource.id === undefined ? '' : ` ${resource.id}`}`;
}
