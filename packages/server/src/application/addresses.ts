import { kebabCase } from '@ostiary/policy';
import type { Application } from './application.js';
import type { LoginSettings } from './logins.js';

/** Where principals find the API of an application, below its address. */
export interface Root {
  /** Whose tokens are taken here; null for everybody's. */
  readonly kind: string | null;
  /** Collections are below it: `/api/user`. */
  readonly api: string;
  /** Logging out, refreshing, and who one is are below it. */
  readonly identity: string;
}

/** The roots of an application: one for all principals, or one for each kind of them that has records. */
export function rootsOf({ roots, policy }: Pick<Application, 'roots' | 'policy'>): readonly Root[] {
  if (roots !== 'kind') return [{ kind: null, api: '/api', identity: '/auth' }];
  return Object.entries(policy.model.principals).flatMap(([kind, type]) => {
    const at = `/api/${kebabCase(kind)}`;
    return type === null ? [] : [{ kind, api: at, identity: at }];
  });
}

/** The root at which a kind of principal finds the API. */
export function rootOf(application: Pick<Application, 'roots' | 'policy'>, kind: string): Root {
  const found = rootsOf(application).find((root) => root.kind === null || root.kind === kind);
  if (found === undefined) throw new TypeError(`a ${kind} has no records, and so no root`);
  return found;
}

/** Where a kind of principal logs in; null where only commands do that. */
export function loginAddress(
  application: Pick<Application, 'roots' | 'policy'>,
  kind: string,
  settings: Pick<LoginSettings, 'path'>,
): string | null {
  return settings.path !== undefined ? settings.path : `${rootOf(application, kind).identity}/login`;
}
