import { possible } from '@ostiary/policy';
import { collectionOf } from '@ostiary/policy/sql';
import { type Context, createSetupLink, DEMO_PASSWORD, type Installation, loginAddress, rootOf } from '@ostiary/server';
import { setupRequest, setupState } from '../first-administrator.js';
import { baseOf as baseAt, type Place } from './place.js';

/**
 * What is said when the server is ready: where everything is, and how to begin.
 * @param flagsOf what a command has to be told to be about an application of this installation
 */
export async function welcome(
  installation: Installation,
  place: Place,
  flagsOf: (context: Context) => string,
): Promise<readonly string[]> {
  const { url } = place;
  const contexts = [...installation.contexts.values()];
  const baseOf = (context: Context) => baseAt(place, context.policy.model.name);
  const lines = ['', `Ostiary is ready: ${url}/`];
  if (place.public !== undefined) lines.push(`Its public address: ${place.public}/`);
  lines.push('');
  for (const context of contexts) {
    lines.push(`  ${context.policy.model.title}: ${baseOf(context)}`, `    how to use it: ${baseOf(context)}/docs`);
  }
  if (installation.demo) lines.push(...(await demoLines(contexts, baseOf)));
  else for (const context of contexts) lines.push(...(await firstSteps(context, baseOf(context), flagsOf(context))));
  return [...lines, '', 'Ctrl-C stops it.'];
}

async function demoLines(
  contexts: readonly Context[],
  baseOf: (context: Context) => string,
): Promise<readonly string[]> {
  const shown = contexts.filter(({ application }) => (application.demo?.accounts.length ?? 0) > 0);
  if (shown.length === 0) return [];
  const lines = ['', `Demo accounts, all with the password ${DEMO_PASSWORD}:`, ''];
  for (const { application, policy } of shown) {
    const accounts = application.demo?.accounts ?? [];
    const width = Math.max(...accounts.map(({ login }) => login.length));
    if (shown.length > 1) lines.push(`  ${policy.model.title}`);
    lines.push(...accounts.map(({ login, says }) => `  ${login.padEnd(width)}  ${says}`));
  }
  for (const context of shown) {
    const request = await firstRequest(context, baseOf(context));
    if (request !== null) return [...lines, '', 'Log in and look around, in one line:', '', `  ${request}`];
  }
  return lines;
}

/** A line for a shell that logs in as the first demo account and lists something that it may. */
async function firstRequest(context: Context, base: string): Promise<string | null> {
  const { application, policy, database, runtime } = context;
  for (const { login } of application.demo?.accounts ?? []) {
    const account = await database.db
      .selectFrom('ostiary.account')
      .select(['kind', 'principal_id'])
      .where('application', '=', policy.model.name)
      .where('login', '=', login)
      .executeTakeFirst();
    const settings = application.logins[account?.kind ?? ''];
    const address = settings && account && loginAddress(application, account.kind, settings);
    if (account === undefined || settings === undefined || !address) continue;
    const principal = await context.principals.load(database.db, account.kind, account.principal_id);
    const now = { now: runtime.now().toISOString(), types: context.types.current };
    const type = Object.keys(policy.model.resources).find(
      (name) =>
        policy.model.resources[name]?.source === undefined &&
        principal !== null &&
        possible(policy, principal, 'list', name, now),
    );
    if (type === undefined) continue;
    const credentials = JSON.stringify({ [settings.login]: login, [settings.password]: DEMO_PASSWORD });
    const token = `curl -s ${base}${address} -H 'content-type: application/json' -d '${credentials}' | sed 's/.*"accessToken":"\\([^"]*\\)".*/\\1/'`;
    return `curl -s ${base}${rootOf(application, account.kind).api}/${collectionOf(policy.model, type)} -H "authorization: Bearer $(${token})"`;
  }
  return null;
}

/** How to make the first administrator, where nobody can log in yet. A link is made here once, and shown once. */
async function firstSteps(context: Context, base: string, flags: string): Promise<readonly string[]> {
  const { name, title } = context.policy.model;
  const { empty, openUntil } = await setupState(context);
  if (!empty) return [];
  const others = [
    'Or make the account here, while the server runs:',
    '',
    `  npx ostiary user create --admin${flags} --set ...`,
  ];
  if (openUntil !== null) {
    return [
      '',
      `${title} has no accounts yet. Its one-time set-up link, which was shown when it was made, is good until`,
      `${openUntil.toISOString()}. Another one: npx ostiary setup-link${flags}`,
      '',
      ...others,
    ];
  }
  const { token, expiresAt } = await createSetupLink(context, name);
  return [
    '',
    `${title} has no accounts yet. Whoever runs this, with the rest filled in, becomes its administrator. It is good`,
    `for one, until ${expiresAt.toISOString()}, and is not shown again:`,
    '',
    `  ${setupRequest(context, base, token)}`,
    '',
    ...others,
  ];
}
