import { type JsonSchema, Type } from '../input/json-schema.js';
import { validationProblem, validatorFor } from '../input/validation.js';
import { Problem } from '../problems.js';
import { LONGEST_ID } from './leads.js';
import { same } from './names.js';

export type Properties = Readonly<Record<string, unknown>>;

export interface Subject {
  readonly type: string;
  readonly id: string;
  readonly properties?: Properties;
}

export interface Action {
  readonly name: string;
  readonly properties?: Properties;
}

export interface Resource {
  readonly type: string;
  readonly id?: string;
  readonly properties?: Properties;
}

/** A question as OpenID AuthZEN 1.0 asks it (§5, §6): may this subject do this on that? */
export interface Question {
  readonly subject: Subject;
  readonly action: Action;
  readonly resource: Resource;
  /** `reasons: true` asks for the reasons too, `loggedIn: false` about one with a static token; the rest is ignored. */
  readonly context?: Properties;
}

const name = Type.String({ minLength: 1, maxLength: 200 });
const id = Type.String({ maxLength: LONGEST_ID });
const properties = Type.Optional(Type.Object({}, { additionalProperties: true }));

/** AuthZEN 1.0 §12.1.1: unknown members are ignored, so that newer callers are understood. */
const open = (members: Readonly<Record<string, JsonSchema>>): JsonSchema =>
  Type.Object(members, { additionalProperties: true });

export const subjectSchema = open({ type: name, id, properties });
export const actionSchema = open({ name, properties });
export const resourceSchema = open({ type: name, id, properties });
/** Without an id where there is no record to name: for `list` and `create`. */
export const resourceTypeSchema = open({ type: name, id: Type.Optional(id), properties });
export const subjectTypeSchema = open({ type: name, id: Type.Optional(id), properties });
export const contextSchema = Type.Optional({
  ...open({
    reasons: Type.Optional({ description: 'Where it is true, the reasons are told as well.' }),
    loggedIn: Type.Optional({ description: 'Where it is false, the subject is one that came with a static token.' }),
  }),
  description: 'Attributes of the request. Rules know the time by themselves: what is not named here is ignored.',
});

export const questionSchema = open({
  subject: subjectSchema,
  action: actionSchema,
  resource: resourceTypeSchema,
  context: contextSchema,
});

const validate = validatorFor(questionSchema);

/**
 * A question that came as a part of something else.
 * @throws Problem `malformed_request`, with what is wrong where
 */
export function readQuestion(given: unknown): Question {
  if (!validate(given)) throw new Problem('malformed_request', validationProblem(validate.errors ?? []).details);
  const question = given as Question;
  requireResourceId(question);
  return question;
}

/** A resource has an id (§5.2), unless there is no record to name. */
export function requireResourceId({ action, resource }: Pick<Question, 'action' | 'resource'>): void {
  if (resource.id !== undefined || ['list', 'create'].some((without) => same(without, action.name))) return;
  throw malformed('/resource/id', 'is missing');
}

export function malformed(pointer: string, message: string): Problem {
  return new Problem('malformed_request', { errors: [{ pointer, message }] });
}

/** What is wrong, as one sentence: for the place in a batch that has one for it. */
export function inWords({ message, details }: Problem): string {
  const { errors = [] } = details;
  return errors.length === 0 ? message : errors.map(({ pointer, message }) => `${pointer} ${message}`).join('; ');
}
