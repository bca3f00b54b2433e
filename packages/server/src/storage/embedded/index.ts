export { type EmbeddedCluster, type EmbeddedOptions, startEmbedded } from './cluster.js';
export { EmbeddedError, type EmbeddedErrorCode } from './error.js';
export { holdsDatabase } from './home.js';
export { joinEmbedded } from './join.js';
