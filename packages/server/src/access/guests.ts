import type { Asker, Context } from '../application/context.js';

/** Whether it is somebody who came without a token, or with one that is none, where the application lets them in so. */
export function isGuest({ application }: Pick<Context, 'application'>, asker: Asker): boolean {
  return application.guests !== undefined && !('service' in asker) && asker.principal?.kind === application.guests;
}
