export { emitter, ONLINE } from './events.js';
export { Presence } from './presence.js';
export { onlineSql } from './rows.js';
export { type Held, standingOf } from './standing.js';
