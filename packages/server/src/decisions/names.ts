import { actionsOf, type Model } from '@ostiary/policy';
import { collectionOf } from '@ostiary/policy/sql';
import type { Context } from '../application/context.js';
import { Problem } from '../problems.js';

/**
 * A question names what the application does not know. Its own names are no secret: they are in its documentation. Those of
 * types that are declared are not told here, since that shows them only to those who might do something with them.
 */
export class UnknownName extends Problem {
  constructor(pointer: string, given: string, known: readonly string[]) {
    super('malformed_request', { errors: [{ pointer, message: `is none of ${known.join(', ')}` }] });
    this.message = `There is no ${WHAT[pointer] ?? 'such name:'} '${given}'; there are ${known.join(', ')}.`;
  }
}

const WHAT: Readonly<Record<string, string>> = {
  '/subject/type': 'kind of principal',
  '/resource/type': 'resource type',
  '/action/name': 'action',
};

/** The kind of principal that a subject's type names. */
export function kindNamed(model: Model, given: string): string {
  const kinds = Object.keys(model.principals);
  return nameIn(kinds, given) ?? unknown('/subject/type', given, kinds);
}

/** The resource type that a name means: its own, or its collection's. */
export function typeNamed({ application, policy: { model } }: Context, given: string): string {
  const types = Object.keys(model.resources);
  const found = nameIn(types, given) ?? types.find((type) => same(collectionOf(model, type), given));
  return found ?? unknown('/resource/type', given, Object.keys(application.policy.model.resources));
}

/** The action of a type that a name means. */
export function actionNamed(model: Model, type: string, given: string): string {
  const actions = actionsOf(model, type);
  return nameIn(actions, given) ?? unknown('/action/name', given, actions);
}

/** Which of the names is meant: mostly it is given as it is. */
function nameIn(names: readonly string[], given: string): string | undefined {
  return names.includes(given) ? given : names.find((name) => same(name, given));
}

/** `InstrumentRecord`, `instrument-record` and `instrument_record` are one name. */
export function same(a: string, b: string): boolean {
  const plain = (text: string) => text.replaceAll(/[-_\s]/g, '').toLowerCase();
  return plain(a) === plain(b);
}

function unknown(pointer: string, given: string, known: readonly string[]): never {
  throw new UnknownName(pointer, given, known);
}
