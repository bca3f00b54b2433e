import { DEMO_PASSWORD, type Demo, type Seed } from '@ostiary/server';
import { makeAdministrator } from './effects.js';

async function load(seed: Seed): Promise<void> {
  const user = (name: string, email: string) =>
    seed.create('user_account', { name, email, password: DEMO_PASSWORD, verified_email: email });
  const ada = await user('Ada Administrator', 'admin@example.org');
  await makeAdministrator(seed, ada);
  await user('Bo Brandt', 'bo@example.org');
  await user('Cy Costa', 'cy@example.org');
}

export const demo: Demo = {
  accounts: [
    { login: 'admin@example.org', says: 'the administrator' },
    { login: 'bo@example.org', says: 'a user' },
    { login: 'cy@example.org', says: 'another user' },
  ],
  load,
};
