import { checkWords } from './check-words.js';
import type { Field } from './fields.js';
import { actionsOf, BUILT_IN_FIELDS, fieldOf, findField, resourceOf, soundField } from './lookup.js';
import { demand, locate } from './mistakes.js';
import { type Model, type Relation, type Resource, STANDARD_ACTIONS } from './model.js';
import { snakeCase } from './spelling.js';

/**
 * Checks a resource type: what it says of its fields is possible, and what it names is there.
 * @throws {ModelError}
 */
export function checkResource(of: Model, type: string): void {
  const resource = resourceOf(of, type);
  demand(
    typeof resource?.fields === 'object' && Array.isArray(resource.actions),
    `${type} is not a resource type: write resource({ fields: { … } })`,
  );
  const names = Object.keys(resource.fields);
  checkWords(type, names, [...Object.keys(BUILT_IN_FIELDS).map(snakeCase), 'version']);
  for (const name of names) {
    const field = fieldOf(of, type, name);
    const isField = typeof field?.kind === 'string';
    demand(isField, `${type}.${name} is not a field: write text(), reference('…') or another kind`);
    locate(`${type}.${name}`, () => checkField(of, field));
  }
  locate(type, () => {
    checkActions(of, type, resource);
    checkViews(resource);
  });
  checkUses(of, type, resource);
  for (const [name, relation] of Object.entries(resource.relations ?? {})) checkRelation(of, type, name, relation);
}

function checkField(of: Model, field: Field): void {
  const { kind, many, to, filled } = field;
  const toOne = to !== null && !many;
  if (to !== null) resourceOf(of, to);
  demand(!field.parent || toOne, 'a parent is one record of another type');
  demand(
    !field.cascades || (toOne && !field.clears),
    "'cascades' is of a reference to one record, and not beside 'clears'",
  );
  demand(
    !field.encrypted || (kind === 'text' && !many && field.secret && !field.unique && !field.default),
    'what is encrypted is one text, neither unique nor with a default',
  );
  demand(
    !field.transfers || filled === 'principal',
    "'transfers' is of a field that is filled with who creates the record",
  );
  if (typeof filled !== 'object') return;
  const from = of.typeAttributes?.[filled.type];
  demand(
    to === null && from?.kind === kind && from.many === many,
    `types have no attribute '${filled.type}' of its kind to fill it with`,
  );
}

function checkActions(of: Model, type: string, { actions: own, referred, counts }: Resource): void {
  const actions = [...STANDARD_ACTIONS, ...own];
  for (const [index, action] of actions.entries()) {
    demand(/^\S+$/.test(action), `'${action}' is not a word for an action`);
    demand(actions.indexOf(action) === index, `there is the action '${action}' twice`);
  }
  const isKnown = referred === undefined || actionsOf(of, type).includes(referred);
  demand(isKnown, `there is no action '${referred}' for who refers to it`);
  demand(!counts || own.includes('statistics'), "it is counted, but has no action 'statistics'");
}

function checkViews({ fields, views = {}, defaultView }: Resource): void {
  for (const [view, showing] of Object.entries<object>(views)) {
    for (const name of Object.keys(showing)) {
      demand(Object.hasOwn(fields, name), `the view '${view}' shows '${name}', which is no field`);
    }
  }
  const isThere = defaultView === undefined || Object.hasOwn(views, defaultView);
  demand(isThere, `there is no view '${defaultView}' to be the default`);
}

/** One value that can be read. */
const isPlain = ({ many, secret }: Field) => !many && !secret;
const isOrdered = (field: Field) => isPlain(field) && field.kind !== 'json';
const COUNTED = ['instant', 'date', 'choice', 'boolean', 'reference'];

/** The fields that are sorted, counted or named by. */
function checkUses(
  of: Model,
  type: string,
  { orders = [], uniqueTogether = [], counts, identifiedBy }: Resource,
): void {
  for (const name of orders) soundField(of, type, name, 'has no order', isOrdered);
  for (const name of uniqueTogether.flat()) {
    soundField(of, type, name, "can't be a part of what is unique", isOrdered);
  }
  for (const name of counts?.by ?? []) {
    soundField(of, type, name, 'is nothing to count by', (field) => isPlain(field) && COUNTED.includes(field.kind));
  }
  if (identifiedBy !== undefined) checkNaming(of, type, identifiedBy);
}

/** What names a record has to: always, and no other. */
export function checkNaming(of: Model, type: string, name: string): void {
  soundField(
    of,
    type,
    name,
    "can't name its record: it has to be a text, unique, required, not secret",
    (field) => isPlain(field) && field.kind === 'text' && field.unique && !field.optional,
  );
}

/** Each link is a record that is written, and refers to one record of this type and, by another field, to one other. */
function checkRelation(of: Model, type: string, name: string, { in: link, of: own, to }: Relation): void {
  const refersTo = (step: string) => {
    const field = step === 'id' ? undefined : findField(of, link, step);
    return field && isPlain(field) && field.to;
  };
  demand(
    own !== to && refersTo(own) === type && refersTo(to) && !resourceOf(of, link).source,
    `${type} has no relation '${name}': ${link} does not link it`,
  );
  demand(!findField(of, type, name) && !/\W/.test(name), `${type}: the relation '${name}' needs a name of its own`);
}
