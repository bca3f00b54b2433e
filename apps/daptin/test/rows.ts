import type { TestAnswer, TestApplication, TestRequest } from '../../../packages/server/test/support/application.js';

export type Values = Readonly<Record<string, unknown>>;

/** Which fields of these tests refer to rows, and of which entity. */
const REFERENCES: Readonly<Record<string, string>> = {
  action_id: 'action',
  default_group_ids: 'usergroup',
  note_id: 'note',
  study_id: 'study',
  user_account_id: 'user_account',
  usergroup_id: 'usergroup',
  world_id: 'world',
};

const MEDIA_TYPE = 'application/vnd.api+json';

/** A request that writes a row: its body has fields by name, of which a JSON:API document is made. */
export function ofRow(request: TestRequest): TestRequest {
  const [, type, id] = /^\/api\/(\w+)(?:\/([^/?]+))?$/.exec(request.url) ?? [];
  if (type === undefined || request.body === undefined) return request;
  const attributes: Record<string, unknown> = {};
  const relationships: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(request.body as Values)) {
    const to = REFERENCES[name];
    if (to === undefined) attributes[name] = value;
    else relationships[name] = { data: linkage(to, value) };
  }
  const data = { type, ...(id === undefined ? {} : { id }), attributes, relationships };
  return {
    ...request,
    headers: { 'content-type': MEDIA_TYPE, ...request.headers },
    body: { data: withoutEmpty(data) },
  };
}

/** The same, sent. */
export const sendRow = (app: TestApplication, request: TestRequest): Promise<TestAnswer> => app.request(ofRow(request));

function linkage(type: string, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((id) => ({ type, id }));
  return value === null ? null : { type, id: value };
}

function withoutEmpty(data: Values): Values {
  return Object.fromEntries(Object.entries(data).filter(([, part]) => JSON.stringify(part) !== '{}'));
}

interface Resource {
  readonly id: string;
  readonly attributes?: Values;
  readonly relationships?: Readonly<
    Record<string, { readonly data?: { readonly id: string } | readonly Resource[] | null }>
  >;
}

/** The fields of the row in an answer. */
export const rowIn = ({ body }: TestAnswer): Values => fieldsOf(body.data);
/** The fields of each row of a list. */
export const rowsIn = ({ body }: TestAnswer): readonly Values[] => (body.data ?? []).map(fieldsOf);
export const idIn = ({ body }: TestAnswer): string => String(body.data?.id);

/** Which of the closed set of codes an answer has; undefined for one that is no refusal. */
export const codeIn = ({ body }: TestAnswer): string | undefined => body?.errors?.[0]?.code;

function fieldsOf({ id, attributes, relationships = {} }: Resource): Values {
  const references = Object.entries(relationships).flatMap(([name, { data }]) =>
    data === undefined
      ? []
      : [[name, Array.isArray(data) ? data.map((each) => each.id) : ((data as Resource)?.id ?? null)]],
  );
  return { id, ...attributes, ...Object.fromEntries(references) };
}
