import { parseArgs } from 'node:util';
import { benchDecisions } from './decisions/run.js';
import { benchHttp } from './http/run.js';

const HELP = `npm run bench -- [a] [b] [c] [--rounds N] [--seed N]
  a  decisions in memory
  c  records and decisions over HTTP
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '9' },
    seed: { type: 'string', default: '20260301' },
    help: { type: 'boolean', default: false },
  },
});
const asked = (part: string) => positionals.length === 0 || positionals.includes(part);

if (values.help) console.log(HELP);
else {
  const [seed, rounds] = [Number(values.seed), Number(values.rounds)];
  if (asked('a')) await benchDecisions(seed, rounds);
  if (asked('c')) await benchHttp(rounds);
}
