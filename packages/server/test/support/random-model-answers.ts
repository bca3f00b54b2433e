import {
  allows,
  closeGrants,
  compile,
  decide,
  type Environment,
  explain,
  findField,
  fold,
  type Grant,
  type GrantSource,
  inWords,
  linkKey,
  type Needs,
  type Policy,
  type Principal,
  permissionRole,
  possible,
  principal,
  principalNeeds,
  type RecordFacts,
  receive,
  recordNeeds,
  type Shipment,
  searchActions,
  ship,
  universal,
  type Value,
  verdict,
} from '@ostiary/policy';
import {
  filter,
  filterSql,
  holdingTable,
  type Page,
  Parameters,
  pageSql,
  searchSql,
  tableOf,
} from '@ostiary/policy/sql';
import { ACTIONS, type Client, INSTANTS, MODEL, type Row, type Rulebook, seen, type World } from './random-model.js';

/** One question: random rules, random data, a time, and what is known of types. */
export interface Question {
  readonly rulebook: Rulebook;
  readonly world: World;
  readonly environment: Environment;
}

/** The first (principal, action, record) about which two readers disagree. */
export class Disagreement extends Error {
  override readonly name = 'Disagreement';
}

const PAGE = 5;
const NOBODY = principal({ kind: '', id: '', attributes: {}, grants: [] });

/**
 * Asks every reader about every principal, action and record of the rulebook's type, and throws where one gives another
 * answer than `allows`.
 * @returns how many (principal, action, record) there were.
 */
export async function agree(database: Client, question: Question): Promise<number> {
  const { rulebook, world, environment } = question;
  const client = explained(database, question);
  const { policy, type } = rulebook;
  const records = [...(world[type]?.values() ?? [])].map((row) => ({
    row,
    facts: recordFacts(world, type, row, recordNeeds(policy, type)),
  }));
  const principals = await everybody(client, policy, world, environment);
  const stored: Policy = JSON.parse(JSON.stringify(policy));
  let cases = 0;

  for (const action of ACTIONS) {
    // At another time first: what is remembered of the same principal must not answer for now.
    for (const who of principals) filter(policy, who, action, type, other(environment), {}, mostScopes(environment));
    const filtered = await filteredIds(client, question, principals, action);
    const paged = await pagedIds(client, question, principals, action, records.length);
    const searched = await searchedIds(client, question, records, action);
    const whole = verdict(policy, action, type);
    const byRecord = records.map(({ facts }) => ({
      person: compile(fold(whole, { record: facts, environment, persona: { kind: 'person' } })),
      device: compile(fold(whole, { record: facts, environment, persona: { kind: 'device' } })),
      guest: compile(fold(whole, { record: facts, environment, persona: { kind: 'guest' } })),
    }));

    for (const [p, who] of principals.entries()) {
      const withPrincipal = compile(fold(whole, { principal: who, environment }));
      const shipment: Shipment = JSON.parse(JSON.stringify(ship(policy, who, environment.types)));
      const shipped = receive(shipment);
      const blind = explain(policy, who, action, type, null, environment);
      const everywhere = universal(policy, who, action, type, environment);
      const somewhere = possible(policy, who, action, type, environment);
      // Who is refused before a record is loaded is sent no button for it either, but for one whose hour may come.
      const sent = shipment.verdicts[`${type} ${action}`];
      const offered = sent !== undefined && fold(sent, { environment }).op !== 'never';

      for (const [r, { row, facts }] of records.entries()) {
        cases++;
        const expected = allows(policy, who, action, type, facts, environment);
        const explained = explain(policy, who, action, type, facts, environment);
        const folded = fold(whole, { principal: who, record: facts, environment });
        const kind = who.kind as 'person' | 'device' | 'guest';
        const answers: Record<string, boolean> = {
          decide: decide(policy, who, action, type, facts, environment).allowed,
          'the filter': filtered[p]?.has(row.id) === true,
          'the pages': paged[p]?.has(row.id) === true,
          'the explanation': explained.allowed === 'yes',
          'the tree folded with the principal': withPrincipal(NOBODY, facts, environment),
          'the tree folded with the record': byRecord[r]?.[kind](who, {}, environment) === true,
          'the tree folded with both': folded.op === 'always',
          'the shipment': shipped.may(action, type, facts, environment.now),
          'searching for actions': searchActions(policy, who, type, facts, environment).includes(action),
          'the stored policy': allows(stored, who, action, type, facts, environment),
          // These answer for all records at once, and may leave open what they can't tell.
          'the explanation without a record': blind.allowed === 'unknown' ? expected : blind.allowed === 'yes',
          'whether it is possible': expected ? somewhere : offered && !somewhere,
          'whether it is universal': everywhere ? true : expected,
          'whether a shipment has it': expected ? shipped.may(action, type) : false,
          'whether something is missing': explained.missing.length === 0,
        };
        // A guest has no record that a search could find.
        if (who.kind !== 'guest') answers['the search'] = searched[r]?.has(`${who.kind} ${who.id}`) === true;
        const wrong = Object.keys(answers).filter((reader) => answers[reader] !== expected);
        const decided = folded.op === 'always' || folded.op === 'never';
        if (wrong.length > 0 || !decided) {
          throw new Disagreement(inSentences(question, action, who, facts, expected, wrong));
        }
      }
    }
  }
  return cases;
}

/** A client whose errors come with the rules and the statement that they are about. */
function explained(client: Client, { rulebook }: Question): Client {
  return {
    query: (text, values) =>
      client.query(text, values).catch((error: Error) => {
        const statement = text.length > 4000 ? `${text.slice(0, 4000)}…` : text;
        throw new Disagreement(`${error.message}\n${rulesOf(rulebook).join('\n')}\n${statement}`);
      }),
  };
}

function rulesOf({ policy }: Rulebook): readonly string[] {
  return policy.rules
    .filter((rule) => rule.source === 'random')
    .map((rule) => {
      const fields = rule.fields ? `, ${rule.fields.join(', ')} only` : '';
      return `  ${rule.id} ${rule.effect}s ${rule.actions.join(', ')}${fields} if ${inWords(rule.when, 'they')}\n    ${JSON.stringify(rule.when)}`;
    });
}

function inSentences(
  { rulebook, environment }: Question,
  action: string,
  who: Principal,
  record: RecordFacts,
  expected: boolean,
  wrong: readonly string[],
): string {
  const { kind, id, attributes, grants, loggedIn } = who;
  return [
    `'${action} ${rulebook.type}' is ${expected ? 'allowed' : 'denied'} in memory; ${wrong.join(' and ') || 'folding'} said otherwise.`,
    'Find the leaf on which they part, and make every reader follow the sentence about it in tree/condition.ts.',
    'Rules:',
    ...rulesOf(rulebook),
    `Principal: ${JSON.stringify({ kind, id, attributes, grants, loggedIn })}`,
    `Record: ${JSON.stringify(record)}`,
    `Environment: ${JSON.stringify(environment)}`,
  ].join('\n');
}

// ─── What the database answers ───────────────────────────────────────────────────────────────────────────────────────

const idsOf = (value: unknown) => new Set(value as readonly string[]);

/** Scopes are sent along in some runs, and looked up in others: nobody here has many. */
function mostScopes({ now }: Environment): number | undefined {
  return [undefined, 0, 1][INSTANTS.indexOf(now) % 3];
}

/** Whether those of a kind are logged in: in every second run the persons are, and in the others the devices. */
function loggedIn(kind: string, { now }: Environment): boolean {
  return (kind === 'person') === (INSTANTS.indexOf(now) % 2 === 0);
}

/** A time far from that, at which nothing is known of types. */
function other({ now }: Environment): Environment {
  return { now: INSTANTS[(INSTANTS.indexOf(now) + 3) % INSTANTS.length] as string };
}

async function filteredIds(
  client: Client,
  { rulebook: { policy, type }, environment }: Question,
  principals: readonly Principal[],
  action: string,
): Promise<readonly ReadonlySet<string>[]> {
  const parameters = new Parameters();
  const parts = principals.map((who, index) => {
    const where = filterSql(
      filter(policy, who, action, type, environment, {}, mostScopes(environment)),
      parameters,
      't',
    );
    return `select ${index} as index, array(select t.id from ${tableOf(MODEL, type)} t where ${where}) as ids`;
  });
  const { rows } = await client.query(`${parts.join(' union all ')} order by index`, parameters.values);
  return rows.map(({ ids }) => idsOf(ids));
}

/** In which orders the pages are walked: by the id alone, and by fields that may be null, either way. */
const ORDERS: Readonly<Record<string, readonly (string | null)[]>> = {
  list: [null],
  read: ['createdAt'],
  update: ['title', 'label', 'status', 'level'],
};

/** Walks the pages of every principal side by side, to their ends. */
async function pagedIds(
  client: Client,
  { rulebook: { policy, type }, environment, world }: Question,
  principals: readonly Principal[],
  action: string,
  most: number,
): Promise<readonly ReadonlySet<string>[]> {
  const scopes = mostScopes(environment);
  const field = (ORDERS[action] ?? []).find((name) => name === null || findField(MODEL, type, name)) ?? null;
  const descending = action === 'read';
  const found = principals.map(() => new Set<string>());
  let open = [...principals.keys()];
  for (let round = 0; open.length > 0; round++) {
    if (round > most) throw new Disagreement(`the pages of '${action} ${type}' have no end`);
    const parameters = new Parameters();
    const parts = open.map((index) => {
      const who = principals[index] as Principal;
      const last = [...(found[index] ?? [])].at(-1);
      const row = last === undefined ? undefined : world[type]?.get(last);
      const page: Page = {
        sort: { field: field ?? 'id', descending },
        limit: PAGE,
        after: row === undefined ? null : { value: row[field ?? 'id'] ?? null, id: row.id },
        where: [],
      };
      const sql = pageSql(filter(policy, who, action, type, environment, {}, scopes), parameters, page);
      return `select ${index} as index, array(select id from (${sql}) page) as ids`;
    });
    const { rows } = await client.query(`${parts.join(' union all ')} order by index`, parameters.values);
    const next: number[] = [];
    for (const { index, ids } of rows) {
      const seen = found[index as number] as Set<string>;
      for (const id of ids as readonly string[]) {
        if (seen.has(id)) throw new Disagreement(`the pages of '${action} ${type}' have ${id} twice`);
        seen.add(id);
      }
      if ((ids as readonly string[]).length === PAGE) next.push(index as number);
    }
    open = next;
  }
  return found;
}

async function searchedIds(
  client: Client,
  { rulebook: { policy, type }, environment }: Question,
  records: readonly { readonly facts: RecordFacts }[],
  action: string,
): Promise<readonly ReadonlySet<string>[]> {
  const found = records.map(() => new Set<string>());
  const parameters = new Parameters();
  const parts = records.flatMap(({ facts }, index) =>
    ['person', 'device'].map((kind) => {
      const page = { limit: 1000, loggedIn: loggedIn(kind, environment) };
      const sql = searchSql(policy, kind, action, type, facts, environment, parameters, page);
      return `select ${index} as index, '${kind}' as kind, array(select id from (${sql}) search) as ids`;
    }),
  );
  if (parts.length === 0) return found;
  const { rows } = await client.query(parts.join(' union all '), parameters.values);
  for (const { index, kind, ids } of rows) {
    for (const id of ids as readonly string[]) found[index as number]?.add(`${kind} ${id}`);
  }
  return found;
}

// ─── What a loader knows, worked out from the data in memory ─────────────────────────────────────────────────────────

/** The record at the end of a path of references, and the value there. */
function follow(world: World, type: string, row: Row | undefined, path: readonly string[]): Value {
  const [step, ...rest] = path as [string, ...string[]];
  if (row === undefined) return null;
  if (rest.length === 0) return seen(type, step, row);
  const to = findField(MODEL, type, step)?.to ?? '';
  const id = row[step];
  return typeof id === 'string' ? follow(world, to, world[to]?.get(id), rest) : null;
}

function recordFacts(world: World, type: string, row: Row, needs: Needs): RecordFacts {
  const facts: Record<string, Value | readonly RecordFacts[]> = {};
  for (const name of Object.keys(row)) facts[name] = seen(type, name, row);
  for (const path of needs.paths) facts[path.join('.')] = follow(world, type, row, path);
  for (const link of needs.links) {
    const to = follow(world, type, row, link.at);
    const rows = [...(world[link.type]?.values() ?? [])].filter((linked) => to !== null && linked[link.via] === to);
    facts[linkKey(link)] = rows.map((linked) => recordFacts(world, link.type, linked, link.needs));
  }
  return facts;
}

/** Every principal there is, and a guest. What they hold is worked out twice: in memory, and by the view. */
async function everybody(
  client: Client,
  policy: Policy,
  world: World,
  environment: Environment,
): Promise<readonly Principal[]> {
  const held = await heldByView(client, environment.now);
  const found: Principal[] = [principal({ kind: 'guest', id: '', attributes: {}, grants: [], loggedIn: false })];
  for (const [kind, type] of [
    ['person', 'Person'],
    ['device', 'Device'],
  ] as const) {
    const needs = principalNeeds(policy, kind);
    for (const row of world[type]?.values() ?? []) {
      const grants = closeGrants(
        MODEL,
        [...grantsOf(world, type, row, environment.now), ...permissionsOf(type, row)],
        (scope, id, path) => follow(world, scope, world[scope]?.get(id), path) as string | null,
      );
      const [byView, closed] = [held.get(`${kind} ${row.id}`) ?? [], grants].map(grantsInWords);
      if (byView !== closed) {
        throw new Disagreement(
          `${kind} ${row.id} holds, by the view: ${byView}\nand by closeGrants: ${closed}\nMake both follow the same implications.`,
        );
      }
      const attributes = recordFacts(world, type, row, needs) as Readonly<Record<string, Value>>;
      found.push(principal({ kind, id: row.id, attributes, grants, loggedIn: loggedIn(kind, environment) }));
    }
  }
  return found;
}

/** What the view says that each principal holds, as one line of text each. */
async function heldByView(client: Client, now: string): Promise<ReadonlyMap<string, readonly Grant[]>> {
  const { rows } = await client.query(
    `select principal_kind, principal_id, role, scope, scope_id as id from ${holdingTable(MODEL)}
       where (starts_at is null or starts_at <= $1) and (ends_at is null or ends_at > $1)`,
    [now],
  );
  const held = new Map<string, Grant[]>();
  for (const { principal_kind: kind, principal_id: id, ...grant } of rows) {
    const grants = held.get(`${kind} ${id}`) ?? [];
    grants.push(grant as unknown as Grant);
    held.set(`${kind} ${id}`, grants);
  }
  return held;
}

function grantsInWords(grants: readonly Grant[]): string {
  return [...new Set(grants.map(({ role, scope, id }) => `${role} on ${scope} ${id}`))].sort().join('; ');
}

function grantsOf(world: World, type: string, row: Row, now: string): Grant[] {
  return MODEL.grants.flatMap((source): Grant[] =>
    [...(world[source.in]?.values() ?? [])].flatMap((record): Grant[] => {
      const times = holders(world, type, row, source, record);
      const role = typeof source.role === 'string' ? source.role : roleOf(source, record[source.role.field]);
      if (times === 0 || role === undefined || !inForce(source, record, now)) return [];
      if (source.on === undefined) return [{ role, scope: null, id: null }];
      const at = [record[source.on.field]].flat().filter((id): id is string => typeof id === 'string');
      const scope = source.on.scope;
      return at.map((id) => ({ role, scope, id }));
    }),
  );
}

function holders(world: World, type: string, row: Row, source: GrantSource, record: Row): number {
  const holder = record[source.holder];
  if (source.members === undefined) {
    const to = source.holder === 'id' ? source.in : findField(MODEL, source.in, source.holder)?.to;
    return to === type && holder === row.id ? 1 : 0;
  }
  const { in: table, group, member } = source.members;
  if (findField(MODEL, table, member)?.to !== type || typeof holder !== 'string') return 0;
  return [...(world[table]?.values() ?? [])].filter((one) => one[group] === holder && one[member] === row.id).length;
}

function roleOf(source: GrantSource, value: unknown): string | undefined {
  if (typeof source.role === 'string' || typeof value !== 'string') return undefined;
  const roles = MODEL.roles as Readonly<Record<string, readonly string[]>>;
  return source.role.is
    ? source.role.is[value]
    : (roles[source.on?.scope ?? 'installation'] ?? []).find((role) => role === value);
}

function inForce(source: GrantSource, record: Row, now: string): boolean {
  const [from, until] = [source.from, source.until].map((name) => (name === undefined ? null : record[name])) as [
    string | null,
    string | null,
  ];
  const isDay = (value: string) => value.length === 10;
  const begun = from === null || (isDay(from) ? from <= now.slice(0, 10) : from <= now);
  const ended = until !== null && (isDay(until) ? until < now.slice(0, 10) : until <= now);
  const wanted = (source.when ?? []).every((name) => record[name] === true);
  return begun && !ended && wanted && !(source.unless ?? []).some((name) => record[name] === true);
}

function permissionsOf(type: string, row: Row): Grant[] {
  const source = MODEL.permissions;
  if (source === undefined || source.in !== type || !Array.isArray(row[source.field])) return [];
  return (row[source.field] as readonly unknown[]).flatMap((entry): Grant[] => {
    if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return [];
    const { action, resource, [source.scopeKey]: scope = null } = entry as Record<string, unknown>;
    const types = Object.entries(MODEL.resources).filter(
      ([name]) => resource === source.anyResource || resource === name,
    );
    return types.flatMap(([name, { actions }]) =>
      ['read', 'create', 'update', 'delete', ...actions]
        .filter((known) => action === source.anyAction || action === known)
        .flatMap((known): Grant[] => {
          const role = permissionRole(known, name);
          if (scope === null) return [{ role, scope: null, id: null }];
          const id = typeof scope === 'string' && /^[0-9a-f-]{36}$/i.test(scope) ? scope.toLowerCase() : null;
          return id === null || !Object.hasOwn(source.at, name) ? [] : [{ role, scope: source.scope, id }];
        }),
    );
  });
}
