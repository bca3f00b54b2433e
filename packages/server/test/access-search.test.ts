import { application as openDataCapture } from '@ostiary/open-data-capture';
import { actionsOf, snakeCase } from '@ostiary/policy';
import type { Application, Asker, Context } from '@ostiary/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { evaluateAll } from '../src/decisions/evaluations.js';
import { type Found, searchActions, searchResources, searchSubjects } from '../src/decisions/search.js';
import { openApplication, type TestApplication } from './support/application.js';
import { trials } from './support/trials.js';

/** So many records of each type are asked about one by one. */
const KNOWN = 12;

/** What a search finds is exactly what an evaluation says yes to: for everybody, on everything, in each of the ways. */
const ASKER: Asker = {
  service: { id: '00000000-0000-4000-8000-000000000000', name: 'test', trusted: true },
  requestId: null,
};

type Values = Readonly<Record<string, unknown>>;

interface Case {
  readonly application: Application;
  /** Of which types the records are searched. */
  readonly types: readonly string[];
  /** Properties to ask with: of subjects, and of a type's records. */
  readonly subject: Values;
  readonly resources: Readonly<Record<string, Values>>;
  /** What would be created. */
  readonly creates: Readonly<Record<string, (app: TestApplication) => Promise<Values>>>;
}

const CASES: readonly Case[] = [
  {
    application: trials,
    types: ['Person', 'Site', 'Project', 'Sample'],
    subject: { isDirector: true },
    resources: { Sample: { sealed: true }, Project: { budget: 7 } },
    creates: {
      Sample: async (app) => ({ projectId: await app.idOf('Project', 'name', 'Alpha'), label: 'new' }),
      Team: async () => ({ name: 'New' }),
    },
  },
  {
    application: openDataCapture,
    types: ['User', 'Subject', 'Session', 'Instrument', 'InstrumentRepo', 'AuditLog'],
    subject: { basePermissionLevel: 'GROUP_MANAGER' },
    resources: { User: { basePermissionLevel: 'ADMIN' }, Instrument: { kind: 'SERIES' } },
    creates: {
      Session: async (app) => ({
        groupId: await app.idOf('Group', 'name', 'Depression Clinic'),
        subjectId: await app.idOf('Subject', 'customId', 'clinic_1001'),
      }),
      User: async () => ({ username: 'new' }),
    },
  },
];

describe.each(CASES)('$application.policy.model.name', ({ application, types, subject, resources, creates }) => {
  let app: TestApplication;
  let context: Context;
  let people: readonly string[];
  const records = new Map<string, readonly string[]>();
  const { model } = application.policy;
  const [kind = ''] = Object.keys(model.principals);

  beforeAll(async () => {
    app = await openApplication(application);
    context = app.context;
    // By the names that a search answers with, where a type has any.
    const names = async (type: string, where: string) => {
      const name = snakeCase(model.resources[type]?.identifiedBy ?? 'id');
      const table = `${snakeCase(model.name)}.${snakeCase(type)}`;
      const { rows } = await app.database.pool.query(`select ${name} as name from ${table} ${where}`);
      return rows.map((row) => String(row.name));
    };
    people = await names(model.principals[kind] ?? '', 'order by id');
    for (const type of types) records.set(type, await names(type, `order by id limit ${KNOWN}`));
    await app.database.pool.query(
      `update ostiary.account set disabled = true where principal_id = (select max(principal_id::text)::uuid from ostiary.account)`,
    );
  });
  afterAll(() => app?.close());

  const evaluate = async (evaluations: readonly object[], defaults: object): Promise<readonly boolean[]> => {
    const answers: boolean[] = [];
    for (let start = 0; start < evaluations.length; start += 1000) {
      const asked = { ...defaults, evaluations: evaluations.slice(start, start + 1000) };
      for (const answer of await evaluateAll(context, ASKER, asked)) {
        expect(answer.context, JSON.stringify(asked).slice(0, 300)).toBeUndefined();
        answers.push(answer.decision);
      }
    }
    return answers;
  };

  const everyPage = async (search: (page: object) => Promise<Found>): Promise<readonly string[]> => {
    const found: string[] = [];
    let page: object = { limit: 9 };
    for (;;) {
      const { results, page: of } = await search(page);
      found.push(...results.map((result) => ('id' in result ? result.id : result.name)));
      if (of.next_token === '') return found;
      page = { token: of.next_token };
    }
  };

  const yes = (names: readonly string[], decisions: readonly boolean[]) => names.filter((_, index) => decisions[index]);
  const ofType = (type: string, properties?: Values) => ({ type, ...(properties ? { properties } : {}) });

  test('on what somebody may do something', async () => {
    let allowed = 0;
    for (const id of people) {
      for (const properties of id === people[1] ? [undefined, subject] : [undefined]) {
        const who = { ...ofType(kind, properties), id };
        for (const type of types) {
          const names = records.get(type) ?? [];
          const actions = actionsOf(model, type).filter((name) => name !== 'create');
          for (const told of [undefined, ...(resources[type] ? [resources[type]] : [])]) {
            const resource = ofType(type, told);
            const about = actions.flatMap((name) =>
              names.map((each) => ({ action: { name }, resource: { ...resource, id: each } })),
            );
            const decisions = await evaluate(about, { subject: who });
            for (const [index, name] of actions.entries()) {
              const action = { name };
              const asked = { subject: who, action, resource };
              const found = await everyPage((page) => searchResources(context, ASKER, { ...asked, page }));
              const expected = yes(names, decisions.slice(index * names.length, (index + 1) * names.length));
              const known = found.filter((each) => names.includes(each));
              expect(names.length < KNOWN ? found : known, JSON.stringify(asked)).toEqual(expected);
              expect(new Set(found).size, 'nothing comes twice').toBe(found.length);
              allowed += expected.length;
            }
          }
        }
      }
    }
    expect(allowed, 'a test in which nothing is allowed tests nothing').toBeGreaterThan(100);
  });

  test('who may do something on a record', async () => {
    let allowed = 0;
    for (const type of types) {
      for (const id of (records.get(type) ?? []).filter((_, index) => index % 5 === 0)) {
        for (const name of actionsOf(model, type).filter((each) => each !== 'create')) {
          for (const told of [undefined, ...(resources[type] ? [resources[type]] : [])]) {
            const resource = { ...ofType(type, told), id };
            const asked = { action: { name }, resource };
            const found = await everyPage((page) =>
              searchSubjects(context, ASKER, { subject: { type: kind }, ...asked, page }),
            );
            const about = people.map((each) => ({ subject: { type: kind, id: each } }));
            expect(found, JSON.stringify(asked)).toEqual(yes(people, await evaluate(about, asked)));
            allowed += found.length;
          }
        }
      }
    }
    expect(allowed).toBeGreaterThan(20);
  });

  test('who may create something', async () => {
    for (const [type, properties] of Object.entries(creates)) {
      const asked = { action: { name: 'create' }, resource: { type, properties: await properties(app) } };
      const found = await everyPage((page) =>
        searchSubjects(context, ASKER, { subject: { type: kind }, ...asked, page }),
      );
      const about = people.map((id) => ({ subject: { type: kind, id } }));
      expect(found, type).toEqual(yes(people, await evaluate(about, asked)));
      expect(found.length, type).toBeGreaterThan(0);
    }
  });

  test('what somebody may do on a record', async () => {
    for (const id of people) {
      for (const type of types) {
        const [first] = records.get(type) ?? [];
        if (first === undefined) continue;
        const asked = { subject: { type: kind, id }, resource: { type, id: first } };
        const found = await everyPage((page) => searchActions(context, ASKER, { ...asked, page }));
        const actions = actionsOf(model, type);
        const about = actions.map((name) => ({ action: { name } }));
        expect(found, JSON.stringify(asked)).toEqual(yes(actions, await evaluate(about, asked)));
      }
    }
  });
});
