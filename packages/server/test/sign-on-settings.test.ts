import { readSignOn } from '@ostiary/server';
import { describe, expect, test } from 'vitest';

const SECRET = 'a very secret client secret';
const sources = {
  environment: { GOOGLE_SECRET: SECRET },
  readFile: async (path: string) => {
    if (path !== 'secret.txt') throw new Error('ENOENT');
    return `${SECRET}\n`;
  },
};
const read = (file: unknown) =>
  readSignOn(typeof file === 'string' ? file : JSON.stringify(file), ['clinic', 'other'], sources);
const only = async (provider: object) =>
  (await read({ providers: { it: { clientId: 'us', ...provider } } })).providers[0];

describe('presets', () => {
  test.each([
    ['google', { kind: 'openid', issuer: 'https://accounts.google.com' }],
    ['dropbox', { kind: 'openid', issuer: 'https://www.dropbox.com' }],
    ['linkedin', { kind: 'openid', issuer: 'https://www.linkedin.com/oauth' }],
    ['microsoft', { kind: 'openid', issuer: 'https://login.microsoftonline.com/common/v2.0' }],
    ['github', { kind: 'oauth2', emailsEndpoint: 'https://api.github.com/user/emails' }],
  ])('%s', async (preset, protocol) => {
    expect((await only({ preset }))?.provider).toMatchObject({ protocol, clientId: 'us', login: true });
  });

  test('only LinkedIn, which knows neither PKCE nor nonces, does without', async () => {
    const unbound = [];
    for (const preset of ['google', 'dropbox', 'linkedin', 'microsoft', 'github']) {
      if ((await only({ preset }))?.provider.bindsCodes === false) unbound.push(preset);
    }
    expect(unbound).toEqual(['linkedin']);
  });

  test('one tenant of Microsoft is its own issuer', async () => {
    const issuer = 'https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0';
    const { provider } = (await only({ preset: 'microsoft', issuer })) ?? {};
    expect(provider).toMatchObject({ protocol: { kind: 'openid', issuer }, claims: { verified: 'xms_edov' } });
  });
});

test.each([
  ['as it is', SECRET],
  ['in the environment', { environment: 'GOOGLE_SECRET' }],
  ['in a file', { file: 'secret.txt' }],
])('a secret %s', async (_, clientSecret) => {
  expect((await only({ preset: 'google', clientSecret }))?.provider.clientSecret).toBe(SECRET);
});

test('a provider can be for some applications', async () => {
  expect((await only({ preset: 'google', applications: ['clinic'] }))?.applications).toEqual(['clinic']);
});

const it = (settings: object) => ({ providers: { it: { clientId: 'us', clientSecret: SECRET, ...settings } } });

test.each([
  ['{', 'it is no JSON'],
  [`{"x": "${SECRET}`, 'it is no JSON'],
  [[], 'must be object'],
  [{}, 'providers: is missing'],
  [{ providers: {}, return: [] }, 'return: is not known here'],
  [{ providers: { 'It!': { clientId: 'us', preset: 'google' } } }, 'providers'],
  [{ providers: { it: { preset: 'google' } } }, 'providers.it.clientId: is missing'],
  [it({ preset: 'gogle' }), 'providers.it.preset: must be one of google, dropbox, linkedin, microsoft, github'],
  [it({ preset: 'google', allowLogin: true }), 'providers.it.allowLogin: is not known here'],
  [it({}), "providers.it: it needs a 'preset', an 'issuer', or all of"],
  [it({ issuer: 'http://login.example' }), 'providers.it.issuer: it is an https address'],
  [it({ issuer: 'https://user:password@login.example' }), 'providers.it.issuer: it is an https address'],
  [it({ issuer: 'login.example' }), 'providers.it.issuer: it is an https address'],
  [it({ authorizationEndpoint: 'https://a.example' }), 'providers.it: it needs'],
  [it({ preset: 'github', tokenEndpoint: 'https://evil.example' }), 'providers.it: a preset has its endpoints'],
  [
    it({ preset: 'github', issuer: 'https://evil.example' }),
    'providers.it.issuer: this preset has no issuer to choose',
  ],
  [it({ preset: 'google', scopes: ['email'] }), "providers.it.scopes: OpenID Connect needs the scope 'openid'"],
  [it({ preset: 'google', clientSecret: { environment: 'NOTHING' } }), 'the environment has no NOTHING'],
  [it({ preset: 'google', clientSecret: { file: 'none' } }), "the file none can't be read"],
  [it({ preset: 'google', applications: ['clinik'] }), "there is no application 'clinik', but clinic, other"],
  [{ ...it({ preset: 'google' }), returnTo: ['http://elsewhere.example/'] }, 'returnTo.0: it is an https address'],
  [{ ...it({ preset: 'google' }), returnTo: ['https://page.example/#x'] }, 'returnTo.0: it is an https address'],
])('%j: %s', async (file, message) => {
  const error = await read(file).then(
    () => expect.fail('it was read'),
    (thrown: Error) => thrown,
  );
  expect(error.name).toBe('ConfigurationError');
  expect(error.message).toContain(message);
  expect(error.message, 'the secret is in the message').not.toContain(SECRET);
});
