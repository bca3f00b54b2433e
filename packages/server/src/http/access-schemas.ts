import { SEMANTICS } from '../decisions/evaluations.js';
import {
  actionSchema,
  contextSchema,
  resourceSchema,
  resourceTypeSchema,
  subjectSchema,
  subjectTypeSchema,
} from '../decisions/question.js';
import { type JsonSchema, Type } from '../input/json-schema.js';

export { questionSchema } from '../decisions/question.js';

export const anySchema = Type.Object({}, { additionalProperties: true });
const open = (members: Readonly<Record<string, JsonSchema>>): JsonSchema =>
  Type.Object(members, { additionalProperties: true });

export const answerSchema = Type.Object({
  decision: Type.Boolean(),
  context: Type.Optional({
    ...Type.Object({
      error: Type.Optional(Type.Object({ status: Type.Integer(), message: Type.String() })),
      rules: Type.Optional(Type.Array(Type.String())),
      missing: Type.Optional(Type.Array(Type.String())),
      reason_admin: Type.Optional(anySchema),
      reason_user: Type.Optional(anySchema),
    }),
    description: 'The reasons, where `context.reasons` asked for them; or why there is no answer but no.',
  }),
});

/** What a default leaves out, an item says: so it may be there in part. */
const part = Type.Optional(open({ type: Type.Optional(Type.String()), id: Type.Optional(Type.String()) }));
const MOST_EVALUATIONS = 1_000;
export const questionsSchema = open({
  subject: part,
  action: Type.Optional(open({ name: Type.Optional(Type.String()) })),
  resource: part,
  context: contextSchema,
  evaluations: Type.Optional(
    Type.Array(Type.Unknown(), {
      maxItems: MOST_EVALUATIONS,
      description:
        'Questions; what one leaves out is as it stands beside them. Without any this is one question itself.',
    }),
  ),
  options: Type.Optional(open({ evaluations_semantic: Type.Optional(Type.Enum(SEMANTICS)) })),
});

const page = Type.Optional(
  open({
    token: Type.Optional(Type.String({ maxLength: 4_000, description: 'The `next_token` of the page before.' })),
    limit: Type.Optional(Type.Integer({ minimum: 0, description: 'At most so many: 50 unless given, 1,000 at most.' })),
    properties: Type.Optional({ ...anySchema, description: 'None is known; they have to stay as they are.' }),
  }),
);
const found = (result: JsonSchema) =>
  Type.Object({
    page: Type.Object({
      next_token: Type.String({ description: 'Empty on the last page.' }),
      count: Type.Integer({ minimum: 0 }),
    }),
    context: Type.Optional(anySchema),
    results: Type.Array(result),
  });
export const answersSchema = Type.Object({
  evaluations: Type.Optional(Type.Array(answerSchema)),
  decision: Type.Optional(Type.Boolean({ description: 'Of a request without evaluations.' })),
});
export const foundEntities = found(Type.Object({ type: Type.String(), id: Type.String() }));
export const foundActions = found(Type.Object({ name: Type.String() }));

const about = { context: contextSchema, page };
export const subjectSearchSchema = open({
  subject: subjectTypeSchema,
  action: actionSchema,
  resource: resourceTypeSchema,
  ...about,
});
export const resourceSearchSchema = open({
  subject: subjectSchema,
  action: actionSchema,
  resource: resourceTypeSchema,
  ...about,
});
export const actionSearchSchema = open({ subject: subjectSchema, resource: resourceSchema, ...about });
