import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type JsonBody, openApplication, type TestAnswer, type TestApplication } from './support/application.js';
import { trials } from './support/trials.js';

let app: TestApplication;
let ids: Readonly<Record<'north' | 'south' | 'alpha' | 'beta', string>>;

beforeAll(async () => {
  app = await openApplication(trials);
  ids = {
    north: await app.idOf('Site', 'name', 'North'),
    south: await app.idOf('Site', 'name', 'South'),
    alpha: await app.idOf('Project', 'name', 'Alpha'),
    beta: await app.idOf('Project', 'name', 'Beta'),
  };
});
afterAll(() => app?.close());
beforeEach(() => app.audit());

const get = (as: string, url: string): Promise<TestAnswer> => app.request({ as, url });
const send = (as: string, method: 'POST' | 'PATCH' | 'DELETE', url: string, body?: unknown, headers = {}) =>
  app.request({ as, method, url, ...(body === undefined ? {} : { body }), headers });
const labels = async (as: string, query = ''): Promise<readonly string[]> =>
  (await get(as, `/api/samples?limit=200${query}`)).body.items.map((item: JsonBody) => item.label);
const sampleOf = (label: string): Promise<string> => app.idOf('Sample', 'label', label);

describe('roles, and what implies them', () => {
  test.each([
    ['director', ['a1', 'a2', 'a3', 'a4', 'a5', 'b1', 'b2', 'b3', 'b4', 'b5']],
    ['siteadmin', ['a1', 'a2', 'a3', 'a4', 'a5']],
    ['lead', ['a1', 'a2', 'a3', 'a4', 'a5']],
    ['member', ['a1', 'a2', 'a3', 'a4', 'a5']],
    ['analyst', ['a1', 'a2', 'a3', 'a4', 'a5']],
    ['teammate', ['b1', 'b2', 'b3', 'b4', 'b5']],
  ])('%s sees the samples %j', async (who, expected) => {
    expect((await labels(who)).toSorted()).toEqual(expected);
  });

  test.each([
    ['siteadmin', ['North']],
    ['lead', ['North']],
    ['member', ['North']],
    ['analyst', ['North']],
    ['teammate', ['South']],
  ])('any role in a project makes %s a user of its site: %j', async (who, expected) => {
    expect((await get(who, '/api/sites')).body.items.map((item: JsonBody) => item.name)).toEqual(expected);
  });

  test('whoever has none may list nothing', async () => {
    expect((await get('nobody', '/api/sites')).status).toBe(403);
    expect((await get('nobody', `/api/projects/${ids.alpha}`)).status).toBe(403);
  });

  test('a project that moves to another site takes its people along', async () => {
    expect((await get('member', `/api/sites/${ids.south}`)).status).toBe(403);
    expect((await send('director', 'PATCH', `/api/projects/${ids.alpha}`, { siteId: ids.south })).status).toBe(200);
    expect((await get('member', `/api/sites/${ids.south}`)).status).toBe(200);
    expect((await get('member', `/api/sites/${ids.north}`)).status).toBe(403);
    expect(await get('siteadmin', '/api/samples').then(({ body }) => body.items)).toEqual([]);
    await send('director', 'PATCH', `/api/projects/${ids.alpha}`, { siteId: ids.north });
    expect((await get('member', `/api/sites/${ids.north}`)).status).toBe(200);
    expect(await labels('siteadmin')).toHaveLength(5);
  });

  test('who joins a team holds what it holds, until they leave', async () => {
    const teamId = await app.idOf('Team', 'name', 'Crew');
    const personId = await app.idOf('Person', 'login', 'guest');
    expect((await get('guest', '/api/samples')).body.items).toEqual([]);
    const made = await send('director', 'POST', '/api/memberships', { teamId, personId });
    expect((await labels('guest')).toSorted()).toEqual(['b1', 'b2', 'b3', 'b4', 'b5']);
    expect((await app.audit()).map((row) => row.event)).toContain('rights.changed');
    await send('director', 'DELETE', `/api/memberships/${made.body.id}`);
    expect(await labels('guest')).toEqual([]);
  });

  test('what a team is granted holds for its members at once', async () => {
    const teamId = await app.idOf('Team', 'name', 'Crew');
    const made = await send('director', 'POST', '/api/team-grants', { teamId, projectId: ids.alpha, role: 'member' });
    expect(await labels('teammate')).toHaveLength(10);
    await send('director', 'DELETE', `/api/team-grants/${made.body.id}`);
    expect(await labels('teammate')).toHaveLength(5);
  });

  test('a suspended grant holds not, and again when it is resumed', async () => {
    const personId = await app.idOf('Person', 'login', 'guest');
    const grant = await send('director', 'POST', '/api/project-grants', {
      projectId: ids.beta,
      personId,
      role: 'member',
    });
    const seen = async () => (await labels('guest')).length;
    expect(await seen()).toBe(5);
    await send('director', 'PATCH', `/api/project-grants/${grant.body.id}`, { suspended: true });
    expect(await seen()).toBe(0);
    await send('director', 'PATCH', `/api/project-grants/${grant.body.id}`, { suspended: false });
    expect(await seen()).toBe(5);
    await send('director', 'DELETE', `/api/project-grants/${grant.body.id}`);
  });

  test('a grant begins and ends by itself, as the time comes', async () => {
    const personId = await app.idOf('Person', 'login', 'guest');
    const seen = async () => {
      app.forget('guest');
      return (await labels('guest')).length;
    };
    await app.seed((system) =>
      system.create('ProjectGrant', {
        projectId: ids.beta,
        personId,
        role: 'member',
        from: '2026-03-02T10:30:00.000Z',
        lastDay: '2026-03-04',
      }),
    );
    const token = await app.login('guest');
    const now = async () => (await app.request({ token, url: '/api/samples' })).body.items.length;
    const before = await app.fingerprint();
    expect(await now()).toBe(0);
    app.clock.set('2026-03-02T10:29:59.999Z');
    expect(await now()).toBe(0);
    app.clock.set('2026-03-02T10:30:00.000Z');
    expect(await now(), 'it did not begin by itself').toBe(5);
    expect((await app.request({ token, url: `/api/sites/${ids.south}` })).status).toBe(200);
    app.clock.set('2026-03-04T23:59:59.999Z');
    expect(await seen(), 'it does not hold through its last day').toBe(5);
    const late = await app.login('guest');
    app.clock.set('2026-03-05T00:00:00.000Z');
    expect((await app.request({ token: late, url: '/api/samples' })).body.items, 'it did not end by itself').toEqual(
      [],
    );
    expect((await app.request({ token: late, url: `/api/sites/${ids.south}` })).status).toBe(403);
    expect(await app.fingerprint(), 'it was ended by a write').toBe(before);
    app.clock.set('2026-03-02T10:00:00.000Z');
    for (const name of ['director', 'guest', 'lead', 'member', 'analyst', 'teammate']) app.forget(name);
  });
});

describe('fields and views', () => {
  test('a member sees a project without its budget, a lead with it', async () => {
    expect((await get('lead', `/api/projects/${ids.alpha}`)).body.budget).toBe(100);
    const { body } = await get('member', `/api/projects/${ids.alpha}`);
    expect(Object.keys(body).toSorted()).toEqual(['id', 'name', 'places', 'siteId', 'version']);
  });

  test.each([
    '?budget=100',
    '?budget[gt]=1',
    '?budget[null]=true',
    '?sort=budget',
    '?sort=-budget',
    '?sort=createdAt',
    '?createdAt[lt]=2026-12-31',
    '?updatedAt[ge]=2026-01-01',
  ])('a list is not filtered or sorted by what its reader cannot see: %s', async (query) => {
    expect((await get('director', `/api/projects${query}`)).status).toBe(200);
    const answer = await get('member', `/api/projects${query}`);
    expect([answer.status, answer.body.code], answer.text).toEqual([403, 'field_not_allowed']);
    expect((await app.audit()).at(-1)).toMatchObject({ event: 'access.refused', resource_type: 'Project' });
  });

  test('a lead, who is a member as well, filters by what a lead sees of each of these records', async () => {
    const answer = await get('lead', '/api/projects?sort=-budget&budget[ge]=0');
    expect(answer.status, answer.text).toBe(200);
  });

  test('who may see some records whole and others in part sorts by neither', async () => {
    const personId = await app.idOf('Person', 'login', 'member');
    const grant = await app.seed((system) =>
      system.create('ProjectGrant', { projectId: ids.beta, personId, role: 'lead' }),
    );
    expect((await get('member', '/api/projects?sort=budget')).status).toBe(403);
    const seen = (await get('member', '/api/projects?sort=name')).body.items;
    expect(seen.map((item: JsonBody) => [item.name, item.budget])).toEqual([
      ['Alpha', undefined],
      ['Beta', 200],
    ]);
    await send('director', 'DELETE', `/api/project-grants/${grant}`);
  });

  test('an analyst sees samples in the pseudonymised view, and nothing beyond it', async () => {
    const [first] = (await get('analyst', '/api/samples')).body.items;
    // How a date is shifted is another chapter: until then it isn't shown at all.
    expect(Object.keys(first).toSorted()).toEqual(['colour', 'id', 'label', 'projectId', 'rank', 'version']);
    const one = await get('analyst', `/api/samples/${first.id}?view=pseudonymised`);
    expect(one.body).toEqual(first);
    for (const url of [`/api/samples/${first.id}?view=identified`, '/api/samples?view=identified']) {
      const answer = await get('analyst', url);
      expect([answer.status, answer.body.code]).toEqual([403, 'not_allowed']);
      const [entry] = (await app.audit()).filter((row) => row.event === 'access.refused');
      expect(entry).toMatchObject({ decision_id: answer.body.decision, detail: { view: 'identified' } });
    }
    for (const query of [
      '?patient=Patient%201',
      '?sort=patient',
      '?sort=takenOn',
      '?takenOn[gt]=2020-01-01',
      '?sort=createdAt',
    ]) {
      expect((await get('analyst', `/api/samples${query}`)).body.code, query).toBe('field_not_allowed');
    }
    expect((await get('analyst', '/api/samples?sort=-rank&colour=red')).status).toBe(200);
  });

  test('a member asks for the pseudonymised view too', async () => {
    const [first] = (await get('member', '/api/samples?view=pseudonymised')).body.items;
    expect(Object.keys(first).toSorted()).toEqual(['colour', 'id', 'label', 'projectId', 'rank', 'version']);
    expect((await get('member', '/api/samples')).body.items[0].patient).toMatch(/^Patient/);
    expect((await get('member', '/api/samples?view=none')).status).toBe(403);
  });

  test('a sample is shared with somebody until it is taken back', async () => {
    const [personId, sampleId] = [await app.idOf('Person', 'login', 'guest'), await sampleOf('a3')];
    expect((await get('guest', `/api/samples/${sampleId}`)).status).toBe(403);
    const share = await send('director', 'POST', '/api/shares', { personId, sampleId });
    expect((await get('guest', `/api/samples/${sampleId}`)).body.label).toBe('a3');
    expect(await labels('guest')).toEqual(['a3']);
    await send('director', 'PATCH', `/api/shares/${share.body.id}`, { withdrawn: true });
    expect((await get('guest', `/api/samples/${sampleId}`)).status).toBe(403);
    expect(await labels('guest')).toEqual([]);
  });
});

describe('writes', () => {
  test('the fingerprint that tells whether a refusal changed something sees each write', async () => {
    const url = `/api/samples/${await sampleOf('a2')}`;
    const seen = [await app.fingerprint()];
    await get('member', url);
    expect(await app.fingerprint()).toBe(seen[0]);
    await send('member', 'PATCH', url, { rank: 5 });
    seen.push(await app.fingerprint());
    const made = await send('member', 'POST', '/api/samples', { projectId: ids.alpha, label: 'seen' });
    expect(made.status, made.text).toBe(201);
    seen.push(await app.fingerprint());
    await app.database.pool.query('delete from trials.note where sample_id = $1', [made.body.id]);
    seen.push(await app.fingerprint());
    const gone = await send('lead', 'DELETE', `/api/samples/${made.body.id}`);
    expect(gone.status, gone.text).toBe(204);
    seen.push(await app.fingerprint());
    expect(new Set(seen.slice(0, 4)).size).toBe(4);
    expect(seen[4], 'all that came is gone again').toBe(seen[1]);
  });

  test('a record is not moved to where it could not have been written', async () => {
    const id = await sampleOf('a1');
    const before = await app.fingerprint();
    const answer = await send('member', 'PATCH', `/api/samples/${id}`, { projectId: ids.beta });
    expect([answer.status, answer.body.code]).toEqual([403, 'not_allowed']);
    expect((await app.audit()).map((row) => row.event)).toEqual(['access.refused']);
    expect(await app.fingerprint()).toBe(before);
    expect((await send('director', 'PATCH', `/api/samples/${id}`, { projectId: ids.beta })).status).toBe(200);
    expect((await send('member', 'PATCH', `/api/samples/${id}`, { projectId: ids.alpha })).status).toBe(403);
    await send('director', 'PATCH', `/api/samples/${id}`, { projectId: ids.alpha });
  });

  test('an update needs the version that was seen, if it names one', async () => {
    const id = await sampleOf('a2');
    const seen = await get('member', `/api/samples/${id}`);
    const etag = String(seen.headers.etag);
    expect(etag).toBe(`"${seen.body.version}"`);
    const url = `/api/samples/${id}`;
    const first = await send('member', 'PATCH', url, { rank: 1 }, { 'if-match': etag });
    expect([first.status, first.headers.etag]).toEqual([200, `"${seen.body.version + 1}"`]);
    const second = await send('member', 'PATCH', url, { rank: 2 }, { 'if-match': etag });
    expect([second.status, second.body.code]).toEqual([412, 'version_mismatch']);
    expect((await send('lead', 'DELETE', url, undefined, { 'if-match': etag })).status).toBe(412);
    expect((await send('member', 'PATCH', url, { rank: 3 }, { 'if-match': '*' })).status).toBe(200);
    expect((await send('member', 'PATCH', url, { rank: null })).body.rank).toBeNull();
  });

  test('of twenty updates with the same ETag exactly one wins', async () => {
    const id = await sampleOf('a2');
    const etag = String((await get('member', `/api/samples/${id}`)).headers.etag);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, rank) =>
        send('member', 'PATCH', `/api/samples/${id}`, { rank }, { 'if-match': etag }),
      ),
    );
    const won = answers.filter(({ status }) => status === 200);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...Array(19).fill(412)]);
    expect((await get('member', `/api/samples/${id}`)).body.rank).toBe(won[0]?.body.rank);
    expect((await app.audit()).filter((row) => row.event === 'record.updated')).toHaveLength(1);
  });

  test.each<[what: string, code: string, type: string, values: object]>([
    ['more than a limit allows', 'limit_reached', 'Sample', { label: 'too many' }],
    ['what is there already', 'already_exists', 'Team', { name: 'Crew' }],
  ])(
    'who writes %s fails with all of their transaction, though they catch the error',
    async (_, code, type, values) => {
      const before = await app.fingerprint();
      const tried = app.seed(async (system) => {
        const projectId = await system.create('Project', { name: 'Full', siteId: ids.north, places: 0 });
        const more = type === 'Sample' ? { projectId } : {};
        await system.create(type, { ...values, ...more }).catch(() => {});
        return 'as if it were written';
      });
      await expect(tried).rejects.toMatchObject({ code });
      expect(await app.fingerprint(), 'a part of what failed was written').toBe(before);
    },
  );

  test('of twenty creates for the last places no more get in than there are', async () => {
    const projectId = await app.seed((system) =>
      system.create('Project', { name: 'Small', siteId: ids.north, places: 7 }),
    );
    const create = (index: number) => send('siteadmin', 'POST', '/api/samples', { projectId, label: `small-${index}` });
    await create(100);
    await create(101);
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => create(index)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([...Array(5).fill(201), ...Array(15).fill(409)]);
    expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({
      code: 'limit_reached',
      detail: 'A project has no more samples than places.',
    });
    const { rows } = await app.database.pool.query(
      'select count(*)::int as n from trials.sample where project_id = $1',
      [projectId],
    );
    expect(rows[0].n).toBe(7);
    expect(
      (await app.audit()).filter(({ event, resource_type: type }) => event === 'record.created' && type === 'Sample'),
    ).toHaveLength(7);

    // Nor is one moved in, and what is sealed counts no more.
    const moved = await send('director', 'PATCH', `/api/samples/${await sampleOf('a5')}`, { projectId });
    expect(moved.body.code).toBe('limit_reached');
    expect((await send('siteadmin', 'POST', `/api/samples/${await sampleOf('small-100')}/seal`, {})).status).toBe(200);
    expect((await create(102)).status).toBe(201);
    expect((await create(103)).status).toBe(409);
  });

  test('a named action is decided on like any other, and what it does is one transaction', async () => {
    const id = await sampleOf('a4');
    const seal = (as: string) => send(as, 'POST', `/api/samples/${id}/seal`, {});
    expect((await seal('member')).status).toBe(403);
    await app.audit();
    expect((await seal('lead')).body).toEqual({ sealed: true });
    const trail = await app.audit();
    expect(trail.map((row) => [row.event, row.resource_type, row.principal_id === null])).toEqual([
      ['record.action', 'Sample', false],
      ['record.created', 'Note', true],
    ]);
    expect((await send('member', 'PATCH', `/api/samples/${id}`, { rank: 9 })).status).toBe(403);
    expect((await send('director', 'DELETE', `/api/samples/${id}`)).status).toBe(403);
    const before = await app.fingerprint();
    expect((await seal('lead')).body).toMatchObject({ code: 'conflict', detail: 'It is sealed already.' });
    expect(await app.fingerprint()).toBe(before);
  });

  test('an effect that fails takes its write along', async () => {
    const before = await app.fingerprint();
    await app.database.pool.query(
      `create function trials.refuse() returns trigger language plpgsql as $$ begin raise exception 'no notes today'; end $$;
       create trigger refuse before insert on trials.note for each row execute function trials.refuse()`,
    );
    const answer = await send('member', 'POST', '/api/samples', { projectId: ids.alpha, label: 'half' });
    await app.database.pool.query('drop trigger refuse on trials.note; drop function trials.refuse()');
    expect([answer.status, answer.body.code]).toEqual([500, 'internal']);
    expect(answer.text).not.toContain('no notes today');
    expect(await app.fingerprint()).toBe(before);
  });

  test('a record that others refer to is not deleted', async () => {
    const answer = await send('director', 'DELETE', `/api/sites/${ids.north}`);
    expect([answer.status, answer.body.code]).toEqual([409, 'still_referenced']);
  });

  test('who may read all is told that there is no such record; who may not, is not', async () => {
    const missing = '01900000-0000-7000-8000-000000000000';
    for (const [method, body] of [
      ['PATCH', { rank: 1 }],
      ['DELETE', undefined],
    ] as const) {
      expect((await send('director', method, `/api/samples/${missing}`, body)).status).toBe(404);
      expect((await send('lead', method, `/api/samples/${missing}`, body)).status).toBe(403);
    }
    expect((await get('director', '/api/samples/not-an-id')).status).toBe(404);
    expect((await get('lead', '/api/samples/not-an-id')).status).toBe(403);
  });
});
