/** What is written (the language), what it becomes (the tree), and what can be asked of it (the readers). */
export { checkCondition } from './language/check.js';
export { model } from './language/define.js';
export {
  all,
  always,
  any,
  atMost,
  bits,
  during,
  type Expression,
  empty,
  equal,
  type Literal,
  less,
  loggedIn,
  named,
  never,
  not,
  now,
  overlap,
  present,
  subset,
  today,
  within,
} from './language/expressions.js';
export {
  boolean,
  type CalendarDate,
  choice,
  date,
  type Field,
  type FieldKind,
  type FieldOptions,
  type Id,
  type Instant,
  instant,
  integer,
  isDate,
  isInstant,
  type Json,
  json,
  number,
  parent,
  reference,
  references,
  text,
  texts,
} from './language/fields.js';
export { closeGrants, expandRole, upwardImplications } from './language/implications.js';
export {
  actionsOf,
  fieldOf,
  findField,
  principalTypeOf,
  resolvePath,
  resourceOf,
  splitRole,
} from './language/lookup.js';
export { ModelError } from './language/mistakes.js';
export * from './language/model.js';
export { permissionActions, permissionRole, permissionTypes } from './language/permissions.js';
export { policy } from './language/policy.js';
export type { Policy, ResourceRules, Rule } from './language/rule.js';
export {
  type Language,
  type PrincipalsOf,
  principals,
  type RecordOf,
  type RuleOptions,
  rules,
  type Shape,
} from './language/rules.js';
export { kebabCase, snakeCase, spaced } from './language/spelling.js';
export {
  allows,
  type Decision,
  decide,
  type FieldSet,
  type Permit,
  possible,
  question,
  searchActions,
  universal,
  verdict,
} from './readers/decide.js';
export * from './readers/explain.js';
export { type Visibility, visibility, writable, writableSomewhere } from './readers/field-rights.js';
export * from './readers/needs.js';
export * from './readers/ship.js';
export { inWords, type Person } from './readers/words.js';
export {
  type Atom,
  atomsOf,
  type Condition,
  type Leaf,
  type Operand,
  operandsOf,
  type Scalar,
  type Value,
} from './tree/condition.js';
export { compile, type Test } from './tree/evaluate.js';
export {
  type Environment,
  type Grant,
  isLoggedIn,
  linkKey,
  type Principal,
  type PrincipalFacts,
  principal,
  type RecordFacts,
  type TypeAttributes,
} from './tree/facts.js';
export { fold, type Known, type Persona, type Personas } from './tree/fold.js';
