import { actionsOf } from '@ostiary/policy';
import { loginAddress } from '../application/addresses.js';
import type { Application } from '../application/application.js';
import { fail } from './error.js';
import { isTaken } from './identity.js';

/**
 * Checks that commands are about what the model has, and that each has an address and a name of its own.
 * @throws ApplicationError with the place
 */
export function requireCommands(application: Application): void {
  const { model } = application.policy;
  const logins = Object.entries(application.logins).map(([kind, login]) => loginAddress(application, kind, login));
  const shapes = new Set(logins.filter((path) => path !== null));
  const names = new Set<string>();
  for (const [index, { name, path, decision, params }] of (application.commands ?? []).entries()) {
    const at = `commands[${index}]`;
    if (isTaken(path)) fail(`${at}.path`, `${path} is an address of every application: take another`);
    // What parameters are called makes no other address.
    const shape = path.replaceAll(/:[^/]+/g, ':');
    if (shapes.has(shape)) fail(`${at}.path`, `something else is at ${path}: take another`);
    shapes.add(shape);
    if (names.has(name)) fail(`${at}.name`, `there are two commands '${name}'`);
    names.add(name);
    requireParameters(`${at}.params`, path, params);
    const { type, action } = decision;
    if (!Object.hasOwn(model.resources, type)) fail(`${at}.decision.type`, `there is no resource type '${type}'`);
    const actions = actionsOf(model, type);
    if (!actions.includes(action)) {
      fail(`${at}.decision.action`, `${type} has no action '${action}', but ${actions.join(', ')}`);
    }
  }
}

/** The schema has those of the path, and no others. */
function requireParameters(at: string, path: string, params: Readonly<Record<string, unknown>>): void {
  const inPath = [...path.matchAll(/:([^/]+)/g)].map(([, name]) => name ?? '');
  const described = Object.keys((params.properties ?? {}) as object);
  for (const name of inPath) if (!described.includes(name)) fail(at, `it does not say what '${name}' is`);
  for (const name of described) if (!inPath.includes(name)) fail(at, `there is no :${name} in ${path}`);
}
