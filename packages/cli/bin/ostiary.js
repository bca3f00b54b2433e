#!/usr/bin/env node
import { existsSync } from 'node:fs';

const built = new URL('../dist/main.js', import.meta.url);
if (!existsSync(built)) {
  process.stderr.write('ostiary: it is not built yet. Run `npm start` once, or `npm run build`.\n');
  process.exit(6);
}
const { run } = await import(built.href);
process.exit(await run(process.argv.slice(2)));
