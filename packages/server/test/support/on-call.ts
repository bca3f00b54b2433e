import {
  all,
  boolean,
  equal,
  model,
  parent,
  policy,
  present,
  principals,
  reference,
  resource,
  rules,
  text,
} from '@ostiary/policy';
import { type Application, DEMO_PASSWORD, Problem, type Seed, staticTokenActions } from '@ostiary/server';
import { Type } from '../../src/input/json-schema.js';

/** A small application with presence: nurses and devices of a ward may be online, the latter when they are said to be. */
const onCallModel = model({
  name: 'on-call',
  title: 'On call',
  principals: { nurse: 'Nurse', device: 'Device', visitor: 'Visitor' },
  resources: {
    Ward: resource({ fields: { name: text({ unique: true }) } }),
    Nurse: resource({
      actions: ['online'],
      fields: {
        name: text({ unique: true }),
        password: text({ secret: true }),
        wardId: reference('Ward', { optional: true }),
        left: boolean({ default: false }),
        isChief: boolean({ default: false }),
      },
    }),
    Device: resource({
      actions: ['online', 'rotateToken', 'revokeToken'],
      fields: {
        name: text({ unique: true }),
        password: text({ secret: true }),
        wardId: reference('Ward'),
        onlineable: boolean({ default: false }),
      },
    }),
    Visitor: resource({ fields: { name: text({ unique: true }), password: text({ secret: true }) } }),
    Call: resource({ actions: ['ring'], fields: { wardId: parent('Ward'), from: text() } }),
  },
});

const SOURCE = 'the tests';
const { nurse, device } = principals(onCallModel);

const onCallPolicy = policy(onCallModel, [
  rules(onCallModel, 'Ward', ({ allow }) => [
    allow('all', { says: 'Nurses keep the wards.', source: SOURCE, actions: 'every', when: present(nurse.name) }),
  ]),
  rules(onCallModel, 'Nurse', ({ it, allow }) => [
    allow('ward', {
      says: 'Nurses see who works on their ward, and who of them is there.',
      source: SOURCE,
      actions: ['read', 'online'],
      when: all(present(nurse.wardId), equal(it.wardId, nurse.wardId)),
    }),
    allow('chief-online', {
      says: 'The chief sees who is there, everywhere.',
      source: SOURCE,
      actions: ['online'],
      when: equal(nurse.isChief, true),
    }),
    allow('chief-keeps', {
      says: 'The chief keeps the list of nurses.',
      source: SOURCE,
      actions: ['create', 'update', 'delete'],
      when: equal(nurse.isChief, true),
    }),
    allow('device-shows', {
      says: 'A device shows who works on its ward, and not whether they are there.',
      source: SOURCE,
      actions: ['read'],
      when: all(present(device.wardId), equal(it.wardId, device.wardId)),
    }),
    allow('own-password', {
      says: 'Nurses set their password.',
      source: SOURCE,
      actions: ['update'],
      when: equal(it.id, nurse.id),
      fields: ['password'],
    }),
  ]),
  rules(onCallModel, 'Device', ({ it, allow }) => [
    allow('ward', {
      says: 'Nurses keep the devices of their ward.',
      source: SOURCE,
      actions: 'every',
      when: all(present(nurse.wardId), equal(it.wardId, nurse.wardId)),
    }),
  ]),
  rules(onCallModel, 'Visitor', ({ allow }) => [
    allow('none', {
      says: 'The chief keeps visitors.',
      source: SOURCE,
      actions: 'every',
      when: equal(nurse.isChief, true),
    }),
  ]),
  rules(onCallModel, 'Call', ({ it, allow }) => [
    allow('nurse', {
      says: 'Nurses see and make the calls of their ward.',
      source: SOURCE,
      actions: 'every',
      when: all(present(nurse.wardId), equal(it.wardId, nurse.wardId)),
    }),
    allow('device', {
      says: 'A device shows the calls of its ward.',
      source: SOURCE,
      actions: ['read'],
      when: all(present(device.wardId), equal(it.wardId, device.wardId)),
    }),
  ]),
]);

async function load(seed: Seed): Promise<void> {
  const password = DEMO_PASSWORD;
  const north = await seed.create('Ward', { name: 'North' });
  const south = await seed.create('Ward', { name: 'South' });
  await seed.create('Nurse', { name: 'chief', password, wardId: north, isChief: true });
  for (const name of ['anna', 'bea']) await seed.create('Nurse', { name, password, wardId: north });
  for (const name of ['sam', 'sue']) await seed.create('Nurse', { name, password, wardId: south });
  await seed.create('Device', { name: 'monitor', password, wardId: north, onlineable: true });
  await seed.create('Device', { name: 'pump', password, wardId: north });
  await seed.create('Visitor', { name: 'guest', password });
  await seed.create('Call', { wardId: north, from: 'bed 1' });
  await seed.create('Call', { wardId: south, from: 'bed 2' });
}

const login = (kind: string) => ({ login: 'name', password: 'password', path: `/auth/${kind}` });

export const onCall: Application = {
  policy: onCallPolicy,
  logins: { nurse: { ...login('nurse'), disabled: 'left' }, device: login('device'), visitor: login('visitor') },
  staticTokens: { device: {} },
  presence: { nurse: {}, device: { when: 'onlineable' } },
  administrator: { kind: 'nurse', values: { isChief: true } },
  actions: [
    ...staticTokenActions('Device'),
    {
      type: 'Call',
      action: 'ring',
      says: 'Ring: whoever sees the call is told, or whoever is named',
      input: Type.Object({
        nurses: Type.Optional(Type.Array(Type.String())),
        fail: Type.Optional(Type.Boolean()),
        note: Type.Optional(Type.String()),
      }),
      run: async ({ handle, input, emit }) => {
        const nurses = input.nurses as readonly string[] | undefined;
        await emit({
          event: 'call.rung',
          about: { type: 'Call', id: handle.record.id },
          ...(nurses === undefined ? {} : { to: nurses.map((id) => ({ kind: 'nurse', id })) }),
          detail: { note: input.note ?? null },
        });
        if (input.fail) throw new Problem('conflict', { detail: 'It failed after all.' });
        return null;
      },
    },
  ],
  effects: {
    Call: {
      created: async ({ record, emit }) => emit({ event: 'call.made', about: { type: 'Call', id: record.id } }),
      deleted: async ({ record, emit }) => emit({ event: 'call.gone', about: { type: 'Call', id: record.id } }),
    },
  },
  demo: { accounts: [], load },
};
