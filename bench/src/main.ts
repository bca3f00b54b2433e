import { parseArgs } from 'node:util';
import { benchAudit } from './audit/run.js';
import { benchDecisions } from './decisions/run.js';
import { benchHttp } from './http/run.js';
import { benchLists } from './lists/run.js';
import { benchSessions } from './sessions/run.js';

const HELP = `npm run bench -- [a] [b] [c] [d] [--rounds N] [--seed N]
  a  decisions in memory
  b  the first page of a list, from an embedded PostgreSQL or the one at DATABASE_URL, where it makes databases
     --sizes 10000,100000,1000000   how many records there are
     --sessions                     of OpenTera's sessions alone
  c  records and decisions over HTTP
  d  writing to the audit trail, with and without sealing
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '9' },
    seed: { type: 'string', default: '20260301' },
    sizes: { type: 'string', default: '10000,100000,1000000' },
    sessions: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const asked = (part: string) => positionals.length === 0 || positionals.includes(part);

if (values.help) console.log(HELP);
else {
  const [seed, rounds] = [Number(values.seed), Number(values.rounds)];
  if (asked('a')) await benchDecisions(seed, rounds);
  if (asked('b')) {
    const sizes = values.sizes.split(',').map(Number);
    const options = { times: 20 * rounds, sizes, seed };
    if (!values.sessions) await benchLists(options);
    await benchSessions(options);
  }
  if (asked('c')) await benchHttp(rounds);
  if (asked('d')) await benchAudit(rounds);
}
