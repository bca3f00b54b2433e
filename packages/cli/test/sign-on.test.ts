import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { makeDataFolder, ostiary, post, serve, temporaryFolder } from './support/command.js';

const APPLICATION = `
import { equal, model, policy, resource, rules, text } from '@ostiary/policy';
const study = model({
  name: 'my-study', title: 'My study', principals: { person: 'Person' },
  resources: {
    Person: resource({ fields: { name: text({ unique: true }), password: text({ secret: true }), mail: text({ optional: true }) } }),
    Key: resource({ fields: { name: text(), value: text({ encrypted: true }) } }),
  },
});
export const application = {
  policy: policy(study, [rules(study, 'Key', ({ me, allow }) => [
    allow('ida', { says: 'Ida does everything.', source: 'tests', actions: 'every', when: equal(me.person.name, 'ida') }),
  ])]),
  logins: { person: { login: 'name', password: 'password', path: '/auth/login' } },
  signOn: { kind: 'person', email: 'mail' },
  administrator: { kind: 'person', values: {} },
  demo: {
    accounts: [{ login: 'ida', says: 'does everything' }],
    load: async (seed) => void (await seed.create('Person', { name: 'ida', password: 'ostiary-demo' })),
  },
};
`;

let folder: string;
let app: string;
let file: string;
const write = (content: unknown) =>
  writeFile(file, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o644 });
const provider = { preset: 'google', clientId: 'us', clientSecret: { environment: 'GOOGLE_SECRET' } };

beforeAll(async () => {
  folder = await temporaryFolder();
  app = join(folder, 'my-study');
  file = join(folder, 'sign-on.json');
  await mkdir(app);
  await writeFile(join(app, 'index.js'), APPLICATION);
  await writeFile(join(app, 'package.json'), '{"type":"module"}');
});

describe('a sign-on that can’t be is refused at start, in words', () => {
  const start = (env: Readonly<Record<string, string>>) =>
    ostiary(['serve', '--port', '0', '--app', app, '--data', join(folder, 'none')], {
      env: { OSTIARY_SIGN_ON: file, ...env },
    });

  test.each([
    [{ providers: { google: provider } }, {}, 'sign-on.json: providers.google.clientSecret: the environment has no'],
    [{ providers: {} }, { OSTIARY_URL: 'http://ostiary.example' }, 'needs https'],
    [{ providers: {} }, { OSTIARY_SIGN_ON: '/nothing.json' }, "/nothing.json can't be read"],
  ])('%j with %j', async (content, env, message) => {
    await write(content);
    const { code, err } = await start(env);
    expect({ code, err }).toEqual({ code: 6, err: expect.stringContaining(message) });
    await expect(stat(join(folder, 'none')), 'something was made').rejects.toThrow();
  });
});

test('pages are told the providers, links are listed, and what encrypts fields changes beside the running server', async () => {
  const data = await makeDataFolder(join(folder, 'data'));
  const on = ['--app', app, '--data', data];
  await write({ providers: { google: provider } });
  const server = await serve(['--port', '0', ...on], { env: { OSTIARY_SIGN_ON: file, GOOGLE_SECRET: 'hush' } });
  expect(await (await fetch(`${server.url}/auth/sign-on`)).json()).toEqual({
    providers: [{ name: 'google', title: 'Google', start: `${server.url}/auth/sign-on/google` }],
  });
  expect(server.said() + server.logged()).not.toContain('hush');
  expect(await ostiary(['sign-on', 'links', ...on])).toMatchObject({ code: 0, out: '' });
  const { code, err } = await ostiary(['sign-on', 'unlink', 'x', '--yes', ...on]);
  expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining("There is no link 'x'") });

  const secrets = async () => (await readFile(join(data, 'secret.key'), 'utf8')).trim().split('\n');
  const mode = async () => (await stat(join(data, 'secret.key'))).mode & 0o777;
  const [first, ...none] = await secrets();
  expect([none, await mode()]).toEqual([[], 0o600]);
  const login = await post(`${server.url}/auth/login`, { name: 'ida', password: 'ostiary-demo' });
  const { accessToken } = (await login.json()) as { readonly accessToken: string };
  const create = () =>
    fetch(`${server.url}/api/keys`, {
      method: 'POST',
      headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'a key', value: 'of a value' }),
    });
  expect((await create()).status).toBe(201);
  expect(await ostiary(['keys', 'rotate', '--fields', ...on])).toMatchObject({ code: 0, out: 'my-study 1\n' });
  const [second, before, ...others] = await secrets();
  expect([before, others, await mode()]).toEqual([first, [], 0o600]);
  expect(second).not.toBe(first);
  expect((await create()).status).toBe(201);
  expect(await ostiary(['keys', 'rotate', '--fields', ...on])).toMatchObject({ code: 0, out: 'my-study 2\n' });
  await server.stop();
});
