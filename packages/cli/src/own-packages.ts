import { realpathSync } from 'node:fs';
import module, { createRequire } from 'node:module';
import { join } from 'node:path';

/** What applications are written with: specifiers of these packages and of what they export. */
const OURS = '^@ostiary/(policy|server)(/|$)';
/** Seen from here, they are the packages that this program runs on. */
const SEEN_FROM = import.meta.url;

type Resolve = (specifier: string, context: object, next: (specifier: string, context: object) => unknown) => unknown;
interface Hooks {
  /** Node 22.15 and later; the one below it is deprecated then. */
  readonly registerHooks?: (hooks: { readonly resolve: Resolve }) => void;
  readonly register: (specifier: string) => void;
}

let registered = false;

/**
 * Lets an application in any folder import `@ostiary/policy` and `@ostiary/server`: from this program, also where the
 * folder has packages of that name. Two copies of them would not know each other's errors and expressions.
 */
export function shareOwnPackages(folder: string): void {
  if (registered || ['@ostiary/policy', '@ostiary/server'].every((name) => isShared(folder, name))) return;
  registered = true;
  const { registerHooks, register } = module as unknown as Hooks;
  if (registerHooks) {
    const ours = new RegExp(OURS);
    registerHooks({
      resolve: (specifier, context, next) =>
        next(specifier, ours.test(specifier) ? { ...context, parentURL: SEEN_FROM } : context),
    });
    return;
  }
  // Before that, hooks run beside the program and are a module of their own.
  const code = `const ours = new RegExp(${JSON.stringify(OURS)});
    export const resolve = (specifier, context, next) =>
      next(specifier, ours.test(specifier) ? { ...context, parentURL: ${JSON.stringify(SEEN_FROM)} } : context);`;
  register(`data:text/javascript,${encodeURIComponent(code)}`);
}

/** Whether a folder finds this program's copy of a package by itself, as those under `apps/` do. */
function isShared(folder: string, name: string): boolean {
  try {
    const theirs = createRequire(join(folder, 'index.js')).resolve(name);
    return realpathSync(theirs) === realpathSync(createRequire(SEEN_FROM).resolve(name));
  } catch {
    return false;
  }
}
