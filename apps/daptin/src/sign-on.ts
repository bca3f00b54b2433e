import {
  type Context,
  inTransaction,
  openField,
  type ProviderSettings,
  type SignOnSettings,
  System,
} from '@ostiary/server';

/** Providers that need no address of their own, by the name of the connection. */
const PRESETS = ['google', 'github', 'linkedin', 'dropbox', 'microsoft'] as const;

type Values = Readonly<Record<string, unknown>>;

/** The connections that people may sign in with, as they are now. */
async function connections(context: Context): Promise<Readonly<Record<string, ProviderSettings>>> {
  const rows = await inTransaction(context, (transaction) =>
    new System(context, transaction).find('oauth_connect', { allow_login: 'true' }),
  );
  const { db } = context.database;
  const read = rows.map(async ({ id, values }) => {
    const clientSecret = await openField(context, db, 'oauth_connect', id, 'client_secret');
    return [String(values.name), settingsOf(values, clientSecret)] as const;
  });
  return Object.fromEntries(await Promise.all(read));
}

function settingsOf(values: Values, clientSecret: string | null): ProviderSettings {
  const given = (name: string): string | undefined =>
    typeof values[name] === 'string' ? String(values[name]) : undefined;
  const addresses = {
    issuer: given('issuer'),
    authorizationEndpoint: given('auth_url'),
    tokenEndpoint: given('token_url'),
    profileEndpoint: given('profile_url'),
  };
  const isOwn = Object.values(addresses).some((address) => address !== undefined);
  const preset = isOwn ? undefined : PRESETS.find((name) => name === values.name);
  const claims = {
    subject: given('profile_id_path'),
    email: given('profile_email_path'),
    verified: given('profile_verified_path'),
  };
  return present({
    ...addresses,
    preset,
    clientId: String(values.client_id),
    clientSecret: clientSecret ?? undefined,
    scopes: given('scope')
      ?.split(/[\s,]+/)
      .filter((scope) => scope !== ''),
    // A preset knows where its provider tells it.
    claims: preset === undefined ? present(claims) : undefined,
    newAccounts: values.allow_signup === true,
  }) as unknown as ProviderSettings;
}

/** What is there of an object. */
function present(of: Values): Values {
  return Object.fromEntries(Object.entries(of).filter(([, value]) => value !== undefined));
}

/** How people sign in with an account elsewhere: with the connections that say so. */
export const signOn: SignOnSettings = {
  kind: 'user',
  email: 'verified_email',
  newAccounts: { values: ({ email, name }) => ({ name: name ?? email, email, verified_email: email }) },
  connections,
};
