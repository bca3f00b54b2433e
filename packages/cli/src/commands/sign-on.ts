import { type Link, listLinks, removeLink } from '@ostiary/server';
import { Command } from 'commander';
import { Failure } from '../failure.js';
import { type CommonOptions, withApplication } from '../installation.js';
import { confirm, print, say } from '../terminal.js';
import { visible } from '../visible.js';
import { appOption, dataOption } from './options.js';

export function signOnCommand(): Command {
  const list = new Command('links')
    .description('who signs in with which account elsewhere: id, user name, provider, issuer, subject')
    .addOption(appOption())
    .addOption(dataOption())
    .action(async (options: CommonOptions) => {
      await withApplication(options, async (context) => {
        const { name } = context.policy.model;
        const accounts = await context.database.db
          .selectFrom('ostiary.account')
          .select(['kind', 'principal_id', 'login'])
          .where('application', '=', name)
          .execute();
        const logins = new Map(accounts.map(({ kind, principal_id, login }) => [`${kind} ${principal_id}`, login]));
        for (const link of await listLinks(context, name)) {
          const login = logins.get(`${link.kind} ${link.principalId}`) ?? link.principalId;
          print(visible(line(link, login)));
        }
      });
    });
  const unlink = new Command('unlink')
    .description('undo a link: that account elsewhere is a stranger from its next sign-on on; sessions go on')
    .argument('<id>', 'of the link: `links` tells it')
    .option('--yes', 'do not ask')
    .addOption(appOption())
    .addOption(dataOption())
    .action(async (id: string, options: CommonOptions & { readonly yes?: boolean }) => {
      await withApplication(options, async (context) => {
        const { name } = context.policy.model;
        const link = (await listLinks(context, name)).find((one) => one.id === id.toLowerCase());
        if (link === undefined) throw new Failure('usage', `There is no link '${id}'. Nothing was changed.`);
        if (!options.yes && !(await confirm(`Undo the link with ${visible(link.provider)}?`, '--yes'))) {
          throw new Failure('refused', 'Nothing was changed.');
        }
        await removeLink(context, name, link.id, { principal: null });
        say(`Undid the link with ${visible(link.provider)}.`);
      });
    });
  return new Command('sign-on')
    .description('accounts elsewhere with which people sign in')
    .addCommand(list)
    .addCommand(unlink);
}

function line({ id, provider, issuer, subject, createdAt }: Link, login: string): string {
  return [id, login, provider, issuer, subject, `linked ${createdAt.toISOString().slice(0, 10)}`].join('  ');
}
