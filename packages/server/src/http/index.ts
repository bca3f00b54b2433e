/** Serving over HTTP: apart from what applications are written with, so that other programs need not load it. */
export { drain } from './drain.js';
export { createServer, type ServerOptions } from './server.js';
export type { SignOnOptions } from './sign-on-routes.js';
