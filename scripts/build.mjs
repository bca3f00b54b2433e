// npm run build: what scripts/start.mjs builds, and nothing else.
import { build } from './prepare.mjs';

process.exit(build() ? 0 : 1);
