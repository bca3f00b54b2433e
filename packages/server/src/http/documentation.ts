import swagger from '@fastify/swagger';
import type { Policy } from '@ostiary/policy';
import fastify, { type FastifyInstance } from 'fastify';
import { rootsOf } from '../application/addresses.js';
import type { Context } from '../application/context.js';
import { declaredTypes } from '../declared/policy.js';
import type { Served } from '../declared/served.js';
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

const documents = new WeakMap<Policy, Document>();

/** The OpenAPI document of an application, with the types that are declared now. */
export async function documentation(served: Served, server: FastifyInstance): Promise<Document> {
  const context = await served.latest();
  const { policy, application } = context;
  if (declaredTypes(application, policy).length > 0 && !documents.has(policy)) {
    const own = documentOf(server);
    documents.set(policy, { ...own, paths: { ...own.paths, ...(await declaredPaths(context)) } });
  }
  return documents.get(policy) ?? documentOf(server);
}

/** The same, as it was worked out last. */
export function documentedNow(served: Served, server: FastifyInstance): Document {
  return documents.get(served.current.policy) ?? documentOf(server);
}

function documentOf(server: FastifyInstance): Document {
  return server.swagger() as object as Document;
}

/** As the framework documents routes of its own: by a server that nobody ever calls. */
async function declaredPaths(context: Context): Promise<object> {
  const { application, policy } = context;
  const unused = fastify({ exposeHeadRoutes: false });
  await unused.register(swagger, { openapi: { openapi: '3.1.0', components: COMPONENTS } });
  // Nothing is checked, and so nothing is compiled.
  unused.setValidatorCompiler(() => () => true);
  unused.setSerializerCompiler(() => () => '');
  for (const root of rootsOf(application)) {
    for (const type of declaredTypes(application, policy)) {
      for (const { method, path, schema } of operationsOf(context, root, type)) {
        const security = [...schema.security, ...(application.guests === undefined ? [] : [{}])];
        const url = `${collectionAddress(root, policy.model, type)}${path}`;
        unused.route({ method, url, schema: { ...schema, security }, handler: async () => null });
      }
    }
  }
  await unused.ready();
  const { paths = {} } = documentOf(unused);
  await unused.close();
  return paths;
}
