import swagger from '@fastify/swagger';
import { actionsOf, type Policy, type Principal, possible } from '@ostiary/policy';
import fastify, { type FastifyInstance } from 'fastify';
import { environment } from '../access/access.js';
import { rootsOf } from '../application/addresses.js';
import type { Context } from '../application/context.js';
import { declaredTypes } from '../declared/policy.js';
import { collectionAddress } from './operations/operation.js';
import { operationsOf } from './operations/operations.js';

type Document = Record<string, unknown> & { readonly paths?: object };

/** What the documents refer to. */
export const COMPONENTS = {
  securitySchemes: {
    bearer: {
      type: 'http',
      scheme: 'bearer',
      bearerFormat: 'JWT',
      description: 'The token of a log-in, or a static token; where decisions are asked for, a service key as well.',
    },
  },
} as const;

/** By type, the paths of those that are declared. */
type DeclaredPaths = ReadonlyMap<string, object>;

const known = new WeakMap<Policy, DeclaredPaths>();

/** Works out how types that are declared now are documented, for `documented` to tell. */
export async function prepareDocumentation(context: Context): Promise<void> {
  const { application, policy } = context;
  if (known.has(policy) || declaredTypes(application, policy).length === 0) return;
  known.set(policy, await declaredPaths(context));
}

/**
 * The OpenAPI document of an application. Of the types that are declared it shows those of which the caller might do something
 * with some record: of others it does not tell.
 * @param principal null for nobody
 */
export function documented(context: Context, server: FastifyInstance, principal: Principal | null): Document {
  const own = documentOf(server);
  const { policy } = context;
  const now = environment(context);
  const paths = [...(known.get(policy) ?? [])].flatMap(([type, paths]) => {
    const mayAsk = (action: string) => principal !== null && possible(policy, principal, action, type, now);
    return actionsOf(policy.model, type).some(mayAsk) ? [paths] : [];
  });
  return paths.length === 0 ? own : { ...own, paths: Object.assign({}, own.paths, ...paths) };
}

function documentOf(server: FastifyInstance): Document {
  return server.swagger() as object as Document;
}

/** As the framework documents routes of its own: by a server that nobody ever calls. */
async function declaredPaths(context: Context): Promise<DeclaredPaths> {
  const { application, policy } = context;
  const unused = fastify({ exposeHeadRoutes: false });
  await unused.register(swagger, { openapi: { openapi: '3.1.0', components: COMPONENTS } });
  // Nothing is checked, and so nothing is compiled.
  unused.setValidatorCompiler(() => () => true);
  unused.setSerializerCompiler(() => () => '');
  const found = new Map<string, string[]>();
  for (const root of rootsOf(application)) {
    for (const type of declaredTypes(application, policy)) {
      for (const { method, path, schema } of operationsOf(context, root, type)) {
        const security = [...schema.security, ...(application.guests === undefined ? [] : [{}])];
        const url = `${collectionAddress(root, policy.model, type)}${path}`;
        found.set(type, [...(found.get(type) ?? []), url.replaceAll(/:(\w+)/g, '{$1}')]);
        unused.route({ method, url, schema: { ...schema, security }, handler: async () => null });
      }
    }
  }
  await unused.ready();
  const { paths = {} } = documentOf(unused);
  await unused.close();
  const pathsAt = (urls: readonly string[]) => Object.fromEntries(urls.map((url) => [url, paths[url as keyof object]]));
  return new Map([...found].map(([type, urls]) => [type, pathsAt(urls)]));
}
