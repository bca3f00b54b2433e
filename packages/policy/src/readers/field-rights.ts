import { type Policy, type Rule, rulesAbout, sidesOf } from '../language/rule.js';
import type { Environment, Principal } from '../tree/facts.js';
import { fold, prune } from '../tree/fold.js';
import { type Decision, decisionOf, type FieldSet, type Permit, possible } from './decide.js';

/** How a field is shown, `shown` or through a transform; undefined where it isn't. */
export type Visibility = Readonly<Record<string, string | undefined>>;

/**
 * How each field of a record is shown under a decision: the most revealing of what the permits give.
 * @param view the view that was asked for; null asks for the most that the decision gives.
 * @returns null where the decision does not give that view.
 */
export function visibility(policy: Policy, decision: Decision, type: string, view: string | null): Visibility | null {
  const { permits, forbiddenFields } = decision;
  const { fields, views = {} } = policy.model.resources[type] ?? { fields: {}, views: {} };
  const showings = views as Readonly<Record<string, Readonly<Record<string, string>>>>;
  // Who sees the record as it is may ask for any of its views.
  const gives = (permit: Permit, asked: string | null) => permit.view === asked || permit.view === null;
  const isGiven = view === null || (Object.hasOwn(showings, view) && permits.some((permit) => gives(permit, view)));
  if (!isGiven) return null;

  const asked = view === null ? [null, ...Object.keys(showings)] : [view];
  const shown: Record<string, string | undefined> = {};
  for (const [name, field] of Object.entries(fields)) {
    if (field.secret || forbiddenFields.includes(name)) continue;
    for (const one of asked) {
      if (!permits.some((permit) => gives(permit, one) && covers(permit.fields, name))) continue;
      const showing = one === null ? 'shown' : showings[one]?.[name];
      if (showing === undefined || showing === 'hidden') continue;
      shown[name] = showing;
      break;
    }
  }
  return shown;
}

/** The fields that a decision lets the principal write. */
export function writable(policy: Policy, decision: Decision, type: string): readonly string[] {
  const { permits, forbiddenFields } = decision;
  return Object.keys(policy.model.resources[type]?.fields ?? {}).filter(
    (name) => !forbiddenFields.includes(name) && permits.some((permit) => covers(permit.fields, name)),
  );
}

/** The fields that the principal may write with an action on some record that there could be. */
export function writableSomewhere(
  policy: Policy,
  principal: Principal,
  action: string,
  type: string,
  environment: Environment,
): readonly string[] {
  if (!possible(policy, principal, action, type, environment)) return [];
  const left = ({ when }: Rule) => prune(fold(when, { principal, environment })).op;
  const { allows, fieldForbids } = sidesOf(rulesAbout(policy.rules, action, type));
  const best = decisionOf({
    allows: allows.filter((rule) => left(rule) !== 'never'),
    forbids: [],
    fieldForbids: fieldForbids.filter((rule) => left(rule) === 'always'),
  });
  return writable(policy, best, type);
}

/** Whether a set of fields has this one. */
export function covers(fields: FieldSet, name: string): boolean {
  return fields === 'every' || fields.includes(name);
}
