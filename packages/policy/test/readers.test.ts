import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { build, type Rolldown } from 'vite';
import { describe, expect, test } from 'vitest';
import {
  all,
  allows,
  always,
  any,
  atMost,
  bits,
  boolean,
  type Condition,
  closeGrants,
  type Decision,
  date,
  decide,
  type Environment,
  equal,
  explain,
  fold,
  type Grant,
  instant,
  integer,
  inWords,
  kebabCase,
  less,
  linkKey,
  model,
  named,
  never,
  not,
  now,
  type Persona,
  type Policy,
  type Principal,
  parent,
  policy,
  possible,
  present,
  principal,
  principalNeeds,
  principals,
  type RecordFacts,
  receive,
  recordNeeds,
  reference,
  references,
  resource,
  rules,
  searchActions,
  ship,
  snakeCase,
  text,
  today,
  universal,
  upwardImplications,
  type Value,
  visibility,
  within,
  writable,
} from '../src/index.js';
import { matrix, matrixMarkdown } from '../src/matrix.js';
import {
  collectionOf,
  columnOf,
  filter,
  filterSql,
  holdingsView,
  Parameters,
  pageSql,
  searchSql,
  showsField,
  tableOf,
} from '../src/sql.js';

const CLINIC = model({
  name: 'clinic',
  title: 'Clinic',
  resources: {
    Org: resource({ fields: { name: text() } }),
    Site: resource({ fields: { orgId: parent('Org'), name: text() } }),
    Project: resource({ fields: { siteId: parent('Site'), leadId: reference('User') } }),
    Consent: resource({ fields: { caseId: reference('Case'), signedBy: reference('User'), until: date() } }),
    Case: resource({
      fields: {
        projectId: parent('Project'),
        name: text(),
        born: date(),
        note: text(),
        pin: text({ secret: true }),
        bits: integer(),
        opensAt: instant({ optional: true }),
      },
      actions: ['export'],
      views: {
        pseudonymised: { born: 'shown', note: 'shown' },
        anonymised: { born: 'shifted', note: 'hidden' },
      },
    }),
    User: resource({ fields: { level: integer(), locked: boolean(), siteIds: references('Site') } }),
  },
  principals: { user: 'User', guest: null },
  roles: { installation: ['superadmin'], Org: ['admin'], Site: ['admin', 'user'], Project: ['admin', 'user'] },
  implications: {
    superadmin: ['Org admin'],
    'Org admin': ['Site admin'],
    'Site admin': ['Site user', 'Project admin'],
    'Project admin': ['Project user'],
    'Project user': ['Site user'],
  },
});

const POLICY = policy(CLINIC, [
  rules(CLINIC, 'Case', ({ it, me, allow, forbid, holds, linked, may }) => [
    allow('admin', {
      says: 'A project’s administrators read and write its cases.',
      source: 'test',
      actions: ['read', 'update', 'export'],
      when: holds('Project admin', it.projectId),
    }),
    allow('user', {
      says: 'Its users see them pseudonymised.',
      source: 'test',
      actions: ['read'],
      when: holds('Project user', it.projectId),
      view: 'pseudonymised',
    }),
    allow('everyone', {
      says: 'Who is of level 1 sees cases anonymised.',
      source: 'test',
      actions: ['read'],
      when: atMost(1, me.user.level),
      view: 'anonymised',
    }),
    allow('noted', {
      says: 'Who signed the consent writes the note.',
      source: 'test',
      actions: ['update'],
      when: linked('Consent', 'caseId', (row) => all(equal(row.signedBy, me.user), atMost(today, row.until))),
      fields: ['note'],
    }),
    forbid('locked', {
      says: 'Who is locked may do nothing.',
      source: 'test',
      actions: 'every',
      when: equal(me.user.locked, true),
    }),
    forbid('born', {
      says: 'Nobody changes a date of birth.',
      source: 'test',
      actions: ['update'],
      when: present(it.born),
      fields: ['born'],
    }),
    allow('delete', {
      says: 'Who may update the project deletes its cases.',
      source: 'test',
      actions: ['delete'],
      when: may('update', it.projectId),
    }),
  ]),
  rules(CLINIC, 'Project', ({ it, me, allow, forbid, linked }) => [
    allow('lead', {
      says: 'Its lead changes it.',
      source: 'test',
      actions: ['update'],
      when: equal(it.leadId, me.user),
    }),
    forbid('locked', {
      says: 'Not while a case of it is open.',
      source: 'test',
      actions: ['update'],
      when: linked('Case', 'projectId', (row) => less(now, row.opensAt)),
    }),
  ]),
]);

const NOW: Environment = { now: '2026-03-01T12:00:00.000Z' };
const user = (attributes: Readonly<Record<string, Value>> = {}, ...grants: readonly Grant[]) =>
  principal({ kind: 'user', id: 'u', attributes, grants });
const on = (name: string, id: string): Grant => {
  const [scope, role] = name.split(' ') as [string, string];
  return { scope, role, id };
};
/** What makes an id of eight figures. */
const UUID_END = '-0000-7000-8000-000000000000';
/** What explanations call missing where this condition opens reading. */
const missingOf = (who: Principal, when: Condition) => {
  const rule = {
    id: 'Case/a',
    effect: 'allow',
    type: 'Case',
    actions: ['read'],
    says: 's',
    source: 's',
    when,
  } as const;
  const made = policy(CLINIC, [{ type: 'Case', rules: [rule], limits: [] }]);
  return explain(made, who, 'read', 'Case', {}, NOW).missing;
};
const CASE: RecordFacts = {
  id: 'c',
  projectId: 'p',
  'projectId.siteId': 's',
  'projectId.siteId.orgId': 'o',
  born: '1980-01-01',
};
const CONSENT = linkKey({ type: 'Consent', via: 'caseId', at: ['id'] });

describe('decide', () => {
  test.each([
    ['nobody', user(), 'read', [], []],
    ['level 1', user({ level: 1 }), 'read', ['Case/everyone'], []],
    ['user of the project', user({ level: 1 }, on('Project user', 'p')), 'read', ['Case/user', 'Case/everyone'], []],
    ['of another project', user({}, on('Project user', 'q')), 'read', [], []],
    ['locked', user({ level: 1, locked: true }), 'read', ['Case/everyone'], ['Case/locked']],
    ['not known whether locked', user({ level: 1, locked: null }), 'read', ['Case/everyone'], []],
    ['list follows read', user({ level: 1 }), 'list', ['Case/everyone'], []],
    ['site admin', user({}, on('Site admin', 's')), 'export', ['Case/admin'], []],
  ] as const)('%s', (_, who, action, permits, forbiddenBy) => {
    const decision = decide(POLICY, who, action, 'Case', CASE, NOW);
    expect(decision.permits.map(({ rule }) => rule)).toEqual(permits);
    expect(decision.forbiddenBy).toEqual(forbiddenBy);
    expect(decision.allowed).toBe(permits.length > 0 && forbiddenBy.length === 0);
    expect(allows(POLICY, who, action, 'Case', CASE, NOW)).toBe(decision.allowed);
  });

  test.each([
    ['nobody', user(), 'read', false, false],
    ['level 1', user({ level: 1 }), 'read', true, true],
    ['level 1 updates', user({ level: 1 }), 'update', true, false],
    ['a role somewhere', user({}, on('Project user', 'q')), 'read', true, false],
    ['locked', user({ level: 1, locked: true }), 'read', false, false],
    ['guest', principal({ kind: 'guest', id: '', attributes: {}, grants: [] }), 'read', false, false],
  ] as const)('before a record is loaded: %s', (_, who, action, isPossible, isUniversal) => {
    expect(possible(POLICY, who, action, 'Case', NOW)).toBe(isPossible);
    expect(universal(POLICY, who, action, 'Case', NOW)).toBe(isUniversal);
  });

  const asksFor = (when: Condition) =>
    policy(CLINIC, [
      rules(CLINIC, 'Case', ({ allow }) => [allow('a', { says: 's', source: 's', actions: ['read'], when })]),
    ]);
  const field = (...path: string[]) => ({ from: 'record', path }) as const;
  const own = (...path: string[]) => ({ from: 'principal', kind: 'user', path }) as const;
  const isLead = { op: 'equal', left: field('projectId', 'leadId'), right: own('id') } as const;
  const signed = { op: 'equal', left: field('signedBy'), right: own('id') } as const;
  const atOwnSite = { op: 'member', element: field('projectId', 'siteId'), set: own('siteIds') } as const;
  const at = ['id'];
  const guest = principal({ kind: 'guest', id: '', attributes: {}, grants: [] });

  test.each([
    ['an equal value', isLead],
    ['an equal value in a linked record', { op: 'linked', type: 'Consent', via: 'caseId', at, where: signed }],
    ['a set', atOwnSite],
    ['one way of several, where the others are closed too', any(isLead, atOwnSite)],
    ['one condition of several', all(isLead, present(principals(CLINIC).user.level))],
  ] as const)('what asks for another kind of principal is possible for that kind alone: %s', (_, when) => {
    const who = user({ level: 1, siteIds: ['s'] });
    const asked = asksFor(when);
    expect(possible(asked, who, 'list', 'Case', NOW)).toBe(true);
    expect(receive(ship(asked, who)).may('list', 'Case')).toBe(true);
    expect(possible(asked, guest, 'list', 'Case', NOW), 'a list of nothing is answered, in place of a 403').toBe(false);
    expect(receive(ship(asked, guest)).may('list', 'Case')).toBe(false);
    // What they are without is no matter of the record either.
    expect(possible(asksFor(not(when)), guest, 'list', 'Case', NOW)).toBe(true);
  });

  test('a set without elements is one that could have some: the list is empty, and not refused', () => {
    expect(possible(asksFor(atOwnSite), user({ siteIds: [] }), 'list', 'Case', NOW)).toBe(true);
    expect(possible(asksFor(atOwnSite), user(), 'list', 'Case', NOW)).toBe(false);
  });

  test('before a record is loaded: what depends on the time is asked anew, and of each policy', () => {
    const opening = policy(CLINIC, [
      rules(CLINIC, 'Case', ({ allow }) => [
        allow('open', { says: 'From 2030 on.', source: 'test', actions: ['read'], when: atMost('2030-01-01', today) }),
      ]),
    ]);
    const who = user({ level: 9 });
    const years = ['2029', '2030', '2029'].map((year) => ({ now: `${year}-06-01T00:00:00.000Z` }));
    expect(years.map((time) => possible(opening, who, 'read', 'Case', time))).toEqual([false, true, false]);
    expect(years.map((time) => possible(POLICY, who, 'export', 'Case', time))).toEqual([false, false, false]);
  });
});

describe('what is shown, and what may be written', () => {
  const permit = (view: string | null, fields: 'every' | string[] = 'every') => ({ rule: 'r', view, fields });
  const given = (...permits: ReturnType<typeof permit>[]): Decision => ({
    allowed: true,
    permits,
    forbiddenBy: [],
    forbiddenFields: [],
  });
  const whole = { projectId: 'shown', name: 'shown', born: 'shown', note: 'shown', bits: 'shown', opensAt: 'shown' };

  test.each<[string, Decision, string | null, object | null]>([
    ['as it is, without secrets', given(permit(null)), null, whole],
    ['as it is, asked for a view', given(permit(null)), 'anonymised', { born: 'shifted' }],
    [
      'the most revealing',
      given(permit('anonymised'), permit('pseudonymised')),
      null,
      { born: 'shown', note: 'shown' },
    ],
    ['one view', given(permit('anonymised')), null, { born: 'shifted' }],
    ['a view that is not given', given(permit('anonymised')), 'pseudonymised', null],
    ['a view that there is not', given(permit(null)), 'naked', null],
    ['some fields', given(permit(null, ['name'])), null, { name: 'shown' }],
    [
      'some as they are, others in a view',
      given(permit(null, ['name']), permit('anonymised')),
      null,
      { name: 'shown', born: 'shifted' },
    ],
    ['a view of some fields', given(permit('pseudonymised', ['note'])), null, { note: 'shown' }],
    [
      'a field that is forbidden',
      { ...given(permit(null)), forbiddenFields: ['name', 'bits'] },
      null,
      { projectId: 'shown', born: 'shown', note: 'shown', opensAt: 'shown' },
    ],
    ['nothing', given(), null, {}],
  ])('%s', (_, decision, view, expected) => {
    expect(visibility(POLICY, decision, 'Case', view)).toEqual(expected);
  });

  test('a forbidden field can’t be written, whatever else is allowed', () => {
    const admin = user({}, on('Project admin', 'p'));
    const fields = ['projectId', 'name', 'note', 'pin', 'bits', 'opensAt'];
    expect(writable(POLICY, decide(POLICY, admin, 'update', 'Case', CASE, NOW), 'Case')).toEqual(fields);
    const unborn = { ...CASE, born: null };
    expect(writable(POLICY, decide(POLICY, admin, 'update', 'Case', unborn, NOW), 'Case')).toContain('born');
    const signed = { ...CASE, [CONSENT]: [{ signedBy: 'u', until: '2026-03-01' }] };
    expect(writable(POLICY, decide(POLICY, user(), 'update', 'Case', signed, NOW), 'Case')).toEqual(['note']);
  });

  test('a list can be sorted by a field only where every record within reach shows it as it is', () => {
    const field = (who: ReturnType<typeof user>, name: string) =>
      showsField(filter(POLICY, who, 'read', 'Case', NOW), name);
    expect(field(user({}, on('Project admin', 'p')), 'name')).toBe(true);
    expect(field(user({}, on('Project user', 'p')), 'name')).toBe(false);
    expect(field(user({}, on('Project user', 'p')), 'born')).toBe(true);
    expect(field(user({ level: 1 }), 'born')).toBe(false);
    expect(showsField(filter(POLICY, user({}, on('Project admin', 'p')), 'update', 'Case', NOW), 'born')).toBe(false);
  });

  test.each([1, 100, 101, 150])('a role that shows more does so on each of %i scopes, in whichever order', (count) => {
    const made = policy(CLINIC, [
      rules(CLINIC, 'Project', ({ it, allow, holds }) => [
        allow('name', {
          says: 's',
          source: 's',
          actions: ['read'],
          when: holds('Project user', it),
          fields: ['siteId'],
        }),
        allow('all', { says: 's', source: 's', actions: ['read'], when: holds('Project admin', it) }),
      ]),
    ]);
    const grants = (role: string, more: number) =>
      Array.from({ length: count + more }, (_, n) => on(role, `${n}`.padStart(8, '0') + UUID_END));
    const shows = (...held: readonly Grant[]) =>
      showsField(filter(made, user({}, ...held), 'read', 'Project', NOW), 'leadId');
    expect(shows(...grants('Project admin', 0), ...grants('Project user', 0).toReversed())).toBe(true);
    expect(shows(...grants('Project admin', 0), ...grants('Project user', 1))).toBe(false);
  });
});

describe('implications', () => {
  const sites: Readonly<Record<string, string>> = { p: 's' };
  const close = (...grants: Grant[]) =>
    closeGrants(CLINIC, grants, (scope, id) => (scope === 'Project' ? (sites[id] ?? null) : null)).map(
      ({ role, scope, id }) => `${scope} ${role} ${id}`,
    );

  test('upward and sideways from the grants', () => {
    expect(close(on('Project admin', 'p'))).toEqual(['Project admin p', 'Project user p', 'Site user s']);
    expect(close(on('Project admin', 'gone'))).toEqual(['Project admin gone', 'Project user gone']);
    expect(close(on('Site admin', 's'), on('Site admin', 's'))).toEqual(['Site admin s', 'Site user s']);
    expect(upwardImplications(CLINIC).map(({ from, path, to }) => `${from} ${path.join('.')} ${to}`)).toEqual([
      'Site admin  Site user',
      'Project admin  Project user',
      'Project admin siteId Site user',
      'Project user siteId Site user',
    ]);
  });

  test.each([
    ['Project admin', 'p', true],
    ['Project admin', 'q', false],
    ['Project user', 'p', false],
    ['Site admin', 's', true],
    ['Site admin', 't', false],
    ['Org admin', 'o', true],
    ['Site user', 's', false],
  ])('downward from the record: %s on %s exports: %s', (role, id, expected) => {
    expect(allows(POLICY, user({}, on(role, id)), 'export', 'Case', CASE, NOW)).toBe(expected);
  });

  test('from the whole installation', () => {
    const root: Grant = { role: 'superadmin', scope: null, id: null };
    expect(allows(POLICY, user({}, root), 'export', 'Case', {}, NOW)).toBe(true);
  });
});

describe('may', () => {
  const link = linkKey({ type: 'Case', via: 'projectId', at: ['projectId'] });
  const record = { projectId: 'p', 'projectId.leadId': 'u' };

  test.each([
    ['the rule of the other record', { ...record, [link]: [] }, true],
    ['not of another', { 'projectId.leadId': 'v' }, false],
    ['its links are asked there', { ...record, [link]: [{ opensAt: '2026-03-02T00:00:00.000Z' }] }, false],
    ['and seen from there', { ...record, [link]: [{ opensAt: '2026-02-02T00:00:00.000Z' }] }, true],
  ])('%s', (_, facts, expected) => {
    expect(allows(POLICY, user(), 'delete', 'Case', facts, NOW)).toBe(expected);
  });

  test('what has to be loaded follows', () => {
    const needs = recordNeeds(POLICY, 'Case');
    expect(needs.paths.map((path) => path.join('.')).sort()).toEqual([
      'projectId.leadId',
      'projectId.siteId',
      'projectId.siteId.orgId',
    ]);
    expect(needs.links.map(linkKey).sort()).toEqual([CONSENT, link].sort());
    expect(principalNeeds(POLICY, 'user')).toEqual({ paths: [], links: [] });
  });

  test('on the record itself, and where list follows read', () => {
    const made = policy(CLINIC, [
      rules(CLINIC, 'Site', ({ it, me, allow, may }) => [
        allow('read', { says: 's', source: 's', actions: ['read'], when: within(it, me.user.siteIds) }),
        allow('update', { says: 's', source: 's', actions: ['update'], when: may('read', it) }),
      ]),
      rules(CLINIC, 'Project', ({ it, allow, may }) => [
        allow('list', { says: 's', source: 's', actions: ['read'], when: may('list', it.siteId) }),
      ]),
    ]);
    const who = user({ siteIds: ['s'] });
    expect(allows(made, who, 'update', 'Site', { id: 's' }, NOW)).toBe(true);
    expect(allows(made, who, 'update', 'Site', { id: 't' }, NOW)).toBe(false);
    expect(allows(made, who, 'read', 'Project', { siteId: 's' }, NOW)).toBe(true);
  });
});

describe('in a link’s condition, it remains the record that the rule is about', () => {
  const made = policy(CLINIC, [
    rules(CLINIC, 'Project', ({ it, me, allow, linked, may }) => [
      allow('a', {
        says: 's',
        source: 's',
        actions: ['read'],
        when: linked('Case', 'projectId', (row) =>
          all(
            any(present(row.opensAt), equal(it.leadId, me.user)),
            linked('Case', 'projectId', (other) => equal(other.note, 'x')),
            may('read', it.siteId),
          ),
        ),
      }),
    ]),
    rules(CLINIC, 'Site', ({ it, me, allow }) => [
      allow('s', { says: 's', source: 's', actions: ['read'], when: equal(it.name, 'here') }),
      allow('l', { says: 's', source: 's', actions: ['read'], when: atMost(9, me.user.level) }),
    ]),
  ]);

  test('so its paths lead through the link', () => {
    const needs = recordNeeds(made, 'Project');
    expect(needs.paths).toEqual([]);
    expect(needs.links).toEqual([
      {
        type: 'Case',
        via: 'projectId',
        at: ['id'],
        needs: {
          paths: [
            ['projectId', 'leadId'],
            ['projectId', 'siteId', 'name'],
          ],
          links: [{ type: 'Case', via: 'projectId', at: ['projectId'], needs: { paths: [], links: [] } }],
        },
      },
    ]);
  });

  test.each([
    ['u', 'here', 'x', true],
    ['v', 'here', 'x', false],
    ['u', 'there', 'x', false],
    ['u', 'here', 'y', false],
  ])('lead %s, site %s, note %s: %s', (lead, site, note, expected) => {
    const row = {
      opensAt: null,
      'projectId.leadId': lead,
      'projectId.siteId.name': site,
      [linkKey({ type: 'Case', via: 'projectId', at: ['projectId'] })]: [{ note }],
    };
    const record = { [linkKey({ type: 'Case', via: 'projectId', at: ['id'] })]: [row] };
    expect(allows(made, user(), 'read', 'Project', record, NOW)).toBe(expected);
  });
});

describe('explain', () => {
  test('says which rules spoke, and what was missing', () => {
    const told = explain(POLICY, user({ level: 0 }), 'read', 'Case', CASE, NOW);
    expect(told.allowed).toBe('no');
    expect(told.rules.map(({ id, holds }) => `${id} ${holds}`)).toEqual([
      'Case/admin no',
      'Case/user no',
      'Case/everyone no',
      'Case/locked no',
    ]);
    expect(told.missing).toEqual(['you have the role admin on its project id']);
    expect(told.rules[0]?.trace).toEqual({
      says: 'any of',
      holds: 'no',
      parts: [
        { says: 'you have the role admin on its project id', holds: 'no' },
        { says: "you have the role admin on its project id's site id", holds: 'no' },
        { says: "you have the role admin on its project id's site id's org id", holds: 'no' },
        { says: 'you have the role superadmin', holds: 'no' },
      ],
    });
  });

  test('nothing is missing from what is allowed, and a rule that forbids is named', () => {
    expect(explain(POLICY, user({ level: 1 }), 'read', 'Case', CASE, NOW).missing).toEqual([]);
    const locked = explain(POLICY, user({ level: 1, locked: true }), 'read', 'Case', CASE, NOW);
    expect(locked.missing).toEqual(['a rule forbids it: Who is locked may do nothing.']);
    expect(explain(POLICY, user(), 'create', 'Case', CASE, NOW).missing).toEqual(['no rule allows this to anyone']);
  });

  test('without a record it tells what holds for every one, and nothing of any', () => {
    const told = explain(POLICY, user({}, on('Project user', 'p')), 'read', 'Case', null, NOW);
    expect(told.allowed).toBe('unknown');
    expect(JSON.stringify(told)).not.toContain('1980');
    expect(explain(POLICY, user({ level: 1 }), 'read', 'Case', null, NOW).allowed).toBe('yes');
    expect(explain(POLICY, user(), 'export', 'Case', null, NOW).allowed).toBe('no');
    const they = explain(POLICY, user(), 'export', 'Case', null, NOW, 'they');
    expect(they.missing).toEqual(['they have the role admin on its project id']);
    const changed = explain(POLICY, user(), 'update', 'Project', null, NOW);
    expect(changed.missing).toEqual([
      'its lead id is your id',
      'a rule may forbid it: Not while a case of it is open.',
    ]);
  });

  const name = (value: string): Condition => ({
    op: 'equal',
    left: { from: 'record', path: ['name'] },
    right: { from: 'constant', value },
  });
  const kept = (row: Condition): Condition => ({
    op: 'linked',
    type: 'Consent',
    via: 'caseId',
    at: ['id'],
    where: row,
  });
  const signed: Condition = { op: 'present', value: { from: 'record', path: ['signedBy'] } };
  const is = (value: string) => `its name is '${value}'`;
  test.each<[string, Condition, readonly string[]]>([
    ['two ways', any(name('a'), name('b')), [`one of: ${is('a')}; ${is('b')}`]],
    ['three of four ways', any(...['a', 'b', 'c', 'd'].map(name)), [`one of: ${is('a')}; ${is('b')}; ${is('c')}`]],
    ['ways of ways', any(name('a'), named('n', any(name('b'), name('c')))), [`one of: ${is('a')}; n`]],
    [
      'beside what is needed too',
      all(name('z'), any(name('a'), name('b'))),
      [is('z'), `one of: ${is('a')}; ${is('b')}`],
    ],
    ['the nearest, where another takes more', any(all(name('a'), name('b')), name('c')), [is('c')]],
    [
      'one of ways that take two things each',
      any(all(name('a'), name('b')), all(name('c'), name('d'))),
      [is('a'), is('b')],
    ],
    ['one of links, which take many words', any(kept(always), kept(signed)), ['there is a consent for it']],
    [
      'the narrower scope',
      any(
        {
          op: 'holds',
          role: 'admin',
          scope: 'Site',
          at: { from: 'record', path: ['projectId', 'siteId'] },
          many: false,
        },
        { op: 'holds', role: 'admin', scope: 'Project', at: { from: 'record', path: ['projectId'] }, many: false },
      ),
      ['you have the role admin on its project id'],
    ],
  ])('of what would do as well it names %s', (_, when, missing) => {
    expect(missingOf(user(), when)).toEqual(missing);
  });

  test('what nobody of that kind could fulfil is not named beside what they could', () => {
    const guest = principal({ kind: 'guest', id: '', attributes: {}, grants: [] });
    const held: Condition = { op: 'holds', role: 'superadmin', scope: null, at: null, many: false };
    expect(missingOf(user(), any({ op: 'kind', kind: 'guest' }, name('a')))).toEqual([is('a')]);
    expect(missingOf(guest, any(held, name('a')))).toEqual([is('a')]);
    expect(missingOf(guest, held)).toEqual(['you have the role superadmin']);
  });

  test('nor a role that is given to none of that kind', () => {
    const wards = model({
      name: 'wards',
      title: 'Wards',
      principals: { nurse: 'Nurse', robot: 'Robot' },
      resources: {
        Ward: resource({ fields: { name: text() } }),
        Nurse: resource({ fields: { name: text() } }),
        Robot: resource({ fields: { name: text() } }),
        Shift: resource({ fields: { nurseId: reference('Nurse'), wardId: reference('Ward') } }),
        Round: resource({ fields: { robotId: reference('Robot'), wardId: reference('Ward') } }),
      },
      roles: { Ward: ['nurse', 'member', 'robot'] },
      implications: { 'Ward nurse': ['Ward member'] },
      grants: [
        { in: 'Shift', holder: 'nurseId', role: 'nurse', on: { scope: 'Ward', field: 'wardId' } },
        { in: 'Round', holder: 'robotId', role: 'robot', on: { scope: 'Ward', field: 'wardId' } },
      ],
    });
    const made = policy(wards, [
      rules(wards, 'Ward', ({ it, allow, holds }) => [
        allow('nurses', {
          says: 's',
          source: 's',
          actions: ['read'],
          when: all(holds('Ward member', it), equal(it.name, 'a')),
        }),
        allow('robots', { says: 's', source: 's', actions: ['read'], when: holds('Ward robot', it) }),
      ]),
    ]);
    const missing = (kind: string) =>
      explain(made, principal({ kind, id: 'x', attributes: {}, grants: [] }), 'read', 'Ward', null, NOW).missing;
    expect(missing('nurse')).toEqual(['you have the role member on its id', is('a')]);
    expect(missing('robot')).toEqual(['you have the role robot on its id']);
  });
});

test('conditions in words', () => {
  const said: string[] = [];
  rules(CLINIC, 'Case', ({ it, me, holds, linked, may }) => {
    const conditions = [
      equal(it.name, 'x'),
      equal(me.user.locked, true),
      all(present(it.note), any(less(it.born, today), never)),
      not(within(it.name, ['a', 'b'])),
      within(it.projectId.siteId, me.user.siteIds),
      atMost(it.opensAt, now),
      bits(it.bits, 3),
      holds('Site user'),
      linked('Consent', 'caseId', (row) => equal(row.signedBy, me.user)),
      may('update', it.projectId),
      named('it is yours', equal(it.name, 'x')),
    ];
    said.push(...conditions.map((condition) => inWords(condition)));
    return [];
  });
  expect(said).toEqual([
    "its name is 'x'",
    'your locked is set',
    'its note is set and its born is before or below today',
    "not (its name is one of ['a', 'b'])",
    "its project id's site id is one of your site ids",
    'its opens at is at most now',
    'its bits has the bits 3',
    'you have the role user on some site or you have the role admin on some org or you have the role superadmin',
    'there is a consent for it for which its signed by is your id',
    'you may update its project id',
    'it is yours',
  ]);
});

describe('ship', () => {
  const signer = user({ level: 1 }, on('Project admin', 'p'));
  const shipment = ship(POLICY, signer);

  test('has the rights of one principal, and of nobody else', () => {
    expect(Object.keys(shipment.verdicts).sort()).toEqual([
      'Case delete',
      'Case export',
      'Case list',
      'Case read',
      'Case update',
      'Project update',
    ]);
    const told = JSON.stringify(shipment);
    expect(told).not.toMatch(/"from":"principal"|"op":"(holds|kind)"/);
    expect(told).not.toMatch(/superadmin|level|locked/);
  });

  test('a button appears when its hour comes, and not while the hour is not known', () => {
    const made = policy(CLINIC, [
      rules(CLINIC, 'Case', ({ it, allow }) => [
        allow('a', { says: 's', source: 's', actions: ['read'], when: atMost(it.opensAt, now) }),
        allow('b', { says: 's', source: 's', actions: ['update'], when: less(today, it.born) }),
      ]),
    ]);
    const received = receive(ship(made, user()));
    const record = { opensAt: NOW.now, born: '2026-03-02' };
    expect(received.may('read', 'Case')).toBe(true);
    expect(received.may('read', 'Case', record)).toBe(false);
    expect(received.may('update', 'Case', record)).toBe(false);
    expect(received.may('read', 'Case', record, '2026-03-01T11:59:59.999Z')).toBe(false);
    expect(received.may('read', 'Case', record, NOW.now)).toBe(true);
    expect(received.may('update', 'Case', record, NOW.now)).toBe(true);
    expect(received.may('update', 'Case', record, '2026-03-02T00:00:00.000Z')).toBe(false);
    expect(received.may('constructor', '__proto__', record, NOW.now)).toBe(false);
  });

  test('is read where making functions of text is forbidden', async () => {
    const built = (await build({
      configFile: false,
      logLevel: 'silent',
      build: {
        write: false,
        rolldownOptions: {
          input: fileURLToPath(new URL('../src/browser.ts', import.meta.url)),
          preserveEntrySignatures: 'strict',
          output: { format: 'iife', name: 'ostiary' },
        },
      },
    })) as Rolldown.RolldownOutput;
    const context = createContext(
      { shipment: JSON.stringify(shipment), record: JSON.stringify(CASE) },
      {
        codeGeneration: { strings: false, wasm: false },
      },
    );
    expect(() => runInContext("new Function('return 1')", context)).toThrow('disallowed');
    runInContext(built.output[0].code, context);
    const ask = (action: string) =>
      runInContext(`ostiary.receive(JSON.parse(shipment)).may('${action}', 'Case', JSON.parse(record))`, context);
    expect([ask('export'), ask('create')]).toEqual([true, false]);
  });
});

describe('the matrix', () => {
  const persona = (attributes: Persona['attributes'], ...roles: string[]): Persona => ({
    kind: 'user',
    attributes,
    roles,
  });
  const personas = {
    nobody: persona({ level: 0, locked: false }),
    member: persona({ level: 1, locked: false }),
    'project admin': persona({ level: 0, locked: false }, 'Project admin'),
    locked: persona({ level: 1, locked: true }),
  };

  test('has a row for each type and action, and a cell for each persona', () => {
    const made = matrix(POLICY, personas);
    expect(made.unreached).toEqual([]);
    const cells = (type: string, action: string) =>
      made.rows.find((row) => row.type === type && row.action === action)?.cells.map(({ words }) => words);
    expect(cells('Case', 'create')).toEqual(['–', '–', '–', '–']);
    expect(cells('Case', 'read')).toEqual([
      '–',
      'yes (as anonymised)',
      // The role implies that of a user, who sees less: both are in the cell.
      'if they have the role admin on its project id or they have the role user on its project id (as pseudonymised)',
      '–',
    ]);
    expect(cells('Case', 'export')).toEqual(['–', '–', 'if they have the role admin on its project id', '–']);
  });

  test('is refused while a rule is in none of its cells, or a type has no rule', () => {
    const few = { nobody: personas.nobody };
    expect(() => matrixMarkdown(POLICY, few)).toThrow('no persona reaches Case/admin, Case/user, Case/everyone');
    expect(() => matrixMarkdown(POLICY, personas)).toThrow('no rule speaks of Org, Site, Consent, User');
  });

  test('is a table in Markdown', () => {
    const tiny = model({
      name: 't',
      title: 'T',
      resources: { A: resource({ fields: { b: text() } }) },
      principals: { guest: null },
    });
    const made = policy(tiny, [
      rules(tiny, 'A', ({ it, allow }) => [
        allow('a', { says: 's', source: 's', actions: ['read'], when: equal(it.b, 'x|y'), by: ['guest'] }),
      ]),
    ]);
    expect(matrixMarkdown(made, { guest: { kind: 'guest', attributes: {}, roles: [] } })).toBe(
      [
        '|  | guest |',
        '|---|---|',
        "| A: list | if its b is 'x\\|y' |",
        "| A: read | if its b is 'x\\|y' |",
        '| A: create | – |',
        '| A: update | – |',
        '| A: delete | – |',
        '',
      ].join('\n'),
    );
  });
});

test.each([
  ['groupIds', 'group_ids', 'group-ids'],
  ['InstrumentRecord', 'instrument_record', 'instrument-record'],
  ['open-data-capture', 'open_data_capture', 'open-data-capture'],
  ['a1B2', 'a1_b2', 'a1-b2'],
])('%s is %s in SQL, and %s in an address', (name, snake, kebab) => {
  expect([snakeCase(name), kebabCase(name)]).toEqual([snake, kebab]);
});

test('names in SQL are quoted, and collections are plural', () => {
  expect([tableOf(CLINIC as never, 'Case'), columnOf('projectId')]).toEqual(['"clinic"."case"', '"project_id"']);
  const of = (name: string) =>
    collectionOf({ ...CLINIC, resources: { [name]: resource({ fields: {} }) } } as never, name);
  expect(['Case', 'Study', 'Survey', 'Box', 'InstrumentRecord'].map(of)).toEqual([
    'cases',
    'studies',
    'surveys',
    'boxes',
    'instrument-records',
  ]);
});

describe('a policy is plain data', () => {
  test('frozen, and the same after JSON', () => {
    const stored = JSON.parse(JSON.stringify(POLICY)) as Policy;
    expect(stored).toEqual(POLICY);
    expect(Object.isFrozen(POLICY.rules[0]?.when)).toBe(true);
    expect(Object.isFrozen(CLINIC.resources.Case.fields)).toBe(true);
    for (const who of [user(), user({ level: 1 }), user({}, on('Site admin', 's'))]) {
      expect(searchActions(stored, who, 'Case', CASE, NOW)).toEqual(searchActions(POLICY, who, 'Case', CASE, NOW));
    }
  });

  test('what is assumed is of the record, not of those that are linked to it', () => {
    const named = {
      op: 'equal',
      left: { from: 'record', path: ['name'] },
      right: { from: 'constant', value: 'x' },
    } as const;
    const link = { op: 'linked', type: 'Case', via: 'projectId', at: ['id'], where: named } as const;
    expect(fold(named, { assumed: { name: 'x' } })).toEqual({ op: 'always' });
    expect(fold(named, { assumed: { name: 'y' } })).toEqual({ op: 'never' });
    expect(fold(named, { assumed: { note: 'x' } })).toEqual(named);
    expect(fold(link, { assumed: { name: 'x' } })).toEqual(link);
  });

  test('scopes are sent with a query as one value, and looked up where somebody has many', () => {
    const sent = (scopes: number) => {
      const grants = Array.from({ length: scopes }, (_, n) => on('Project user', `${n}`.padStart(8, '0') + UUID_END));
      const parameters = new Parameters();
      const found = filter(POLICY, user({}, ...grants), 'read', 'Case', NOW);
      const page = { sort: { field: 'id', descending: true }, limit: 5, after: null, where: [] };
      pageSql(found, parameters, page);
      return parameters.values.filter(Array.isArray).map((value) => value.length);
    };
    expect(sent(100)).toContain(100);
    expect(sent(101)).not.toContain(101);
  });

  const stays = { in: 'Stay', holder: 'userId', role: 'guest', on: { scope: 'Room', field: 'roomId' } } as const;
  const cleaners = { in: 'Cleaner', group: 'crewId', member: 'userId' } as const;
  test.each([
    { granted: 'by records that name holder and room', grants: [stays], sent: [] },
    {
      granted: 'by records with several rooms',
      grants: [{ ...stays, on: { scope: 'Room', field: 'roomIds' } }],
      sent: [1],
    },
    { granted: 'to a crew', grants: [{ ...stays, holder: 'crewId', members: cleaners }], sent: [1] },
    { granted: 'in both of these ways', grants: [stays, { ...stays, holder: 'crewId', members: cleaners }], sent: [1] },
  ] as const)('the ids of one’s rooms, granted $granted, are sent with a list of rooms: $sent', ({ grants, sent }) => {
    const hotel = model({
      name: 'hotel',
      title: 'Hotel',
      principals: { user: 'User' },
      resources: {
        User: resource({ fields: { name: text() } }),
        Room: resource({ fields: { name: text() } }),
        Crew: resource({ fields: { name: text() } }),
        Cleaner: resource({ fields: { crewId: reference('Crew'), userId: reference('User') } }),
        Stay: resource({
          fields: {
            userId: reference('User'),
            crewId: reference('Crew'),
            roomId: reference('Room'),
            roomIds: references('Room'),
          },
        }),
      },
      roles: { Room: ['guest'] },
      grants,
    });
    const made = policy(hotel, [
      rules(hotel, 'Room', ({ it, allow, holds }) => [
        allow('own', { says: 's', source: 's', actions: ['read'], when: holds('Room guest', it) }),
      ]),
    ]);
    const parameters = new Parameters();
    const found = filter(made, user({}, on('Room guest', `00000001${UUID_END}`)), 'read', 'Room', NOW);
    const sql = pageSql(found, parameters, {
      sort: { field: 'id', descending: true },
      limit: 5,
      after: null,
      where: [],
    });
    expect(parameters.values.filter(Array.isArray).map((value) => value.length)).toEqual(sent);
    expect(sql.includes('"room"'), 'what is looked up where nothing has to be').toBe(sent.length > 0);
  });

  test('a scope that is named twice is read once', () => {
    const [first, second] = [`00000001${UUID_END}`, `00000002${UUID_END}`];
    const made = policy(CLINIC, [
      rules(CLINIC, 'Project', ({ it, me, allow }) => [
        allow('near', { says: 's', source: 's', actions: ['read'], when: within(it.siteId, me.user.siteIds) }),
      ]),
    ]);
    const parameters = new Parameters();
    const found = filter(made, user({ siteIds: [first, second, first] }), 'read', 'Project', NOW);
    pageSql(found, parameters, { sort: { field: 'id', descending: true }, limit: 5, after: null, where: [] });
    expect(parameters.values).toEqual([[first, second]]);
  });

  test.each([
    { what: 'the time', left: { from: 'record', path: ['opensAt'] }, right: { from: 'now' } },
    { what: 'the day', left: { from: 'record', path: ['born'] }, right: { from: 'today' } },
    {
      what: 'an attribute of a type',
      left: { from: 'record', path: ['bits'] },
      right: { from: 'type', type: 'Case', field: 'least' },
    },
  ] as const)('the filter of one principal is made anew where rules ask for $what', ({ left, right }) => {
    const vocabulary = model({ ...CLINIC, typeAttributes: { least: integer() } } as never) as unknown as typeof CLINIC;
    const test = { op: 'equal', left, right } as const;
    const inLink = { op: 'linked', type: 'Case', via: 'projectId', at: ['projectId'], where: test } as const;
    const rule = { effect: 'allow', says: 's', source: 's', type: 'Case' } as const;
    const made = policy(vocabulary, [
      {
        type: 'Case',
        rules: [
          { ...rule, id: 'Case/own', actions: ['read'], when: test },
          { ...rule, id: 'Case/link', actions: ['update'], when: inLink },
        ],
        limits: [],
      },
    ]);
    const who = user();
    const asked = (of: typeof who, environment: Environment) =>
      ['read', 'update'].map((action) => {
        const parameters = new Parameters();
        const page = { sort: { field: 'id', descending: false }, limit: 5, after: null, where: [] };
        return [pageSql(filter(made, of, action, 'Case', environment), parameters, page), parameters.values];
      });
    const before = { ...NOW, types: { Case: { least: 1 } } };
    const after = { now: '2026-03-02T00:00:00.000Z', types: { Case: { least: 2 } } };
    for (const environment of [before, after, before]) {
      expect(asked(who, environment), 'a filter of another moment was kept').toEqual(asked(user(), environment));
    }
    expect(asked(who, before)).not.toEqual(asked(who, after));
  });

  test('no value of a rule or of a person is in the text of a query', () => {
    const secret = "x'; drop table t; --";
    const made = policy(CLINIC, [
      rules(CLINIC, 'Case', ({ it, me, allow }) => [
        allow('a', {
          says: 's',
          source: 's',
          actions: ['read'],
          when: any(equal(it.name, secret), equal(it.projectId.leadId, me.user)),
        }),
      ]),
    ]);
    const who = principal({ kind: 'user', id: secret, attributes: {}, grants: [] });
    const parameters = new Parameters();
    const found = filter(made, who, 'read', 'Case', NOW);
    const texts = [
      filterSql(found, parameters, 't'),
      pageSql(found, parameters, { sort: { field: 'name', descending: true }, limit: 5, after: null, where: [] }),
      searchSql(made, 'user', 'read', 'Case', { name: secret, 'projectId.leadId': secret }, NOW, parameters, {
        limit: 5,
      }),
      searchSql(made, 'guest', 'read', 'Case', CASE, NOW, parameters, { limit: 5 }),
      holdingsView(CLINIC as never),
    ];
    expect(texts.join('\n')).not.toContain('drop');
    expect(parameters.values).toContain(secret);
    expect(texts[3]).toBe('select null::uuid as id where false');
  });
});
