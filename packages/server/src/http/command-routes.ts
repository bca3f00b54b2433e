import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Command, CommandCookie } from '../application/commands.js';
import type { Context } from '../application/context.js';
import { Type } from '../input/json-schema.js';
import { validatorFor } from '../input/validation.js';
import { runCommand } from '../records/commands.js';
import type { Throttle } from '../throttle/throttle.js';
import { caller, contextOf } from './request.js';
import { answers, jsonApiAnswers } from './responses.js';
import { throttleByAddress } from './throttling.js';

const JSON_TYPE = 'application/json';

export interface CommandOptions {
  readonly throttle: Throttle;
  /** Whether cookies are sent over TLS alone, also where this server sees none. */
  readonly secureCookies: boolean;
}

/** The commands of an application. */
export function commandRoutes(server: FastifyInstance, context: Context, options: CommandOptions): void {
  for (const command of context.application.commands ?? []) commandRoute(server, context, command, options);
}

function commandRoute(
  server: FastifyInstance,
  context: Context,
  command: Command,
  { throttle, secureCookies }: CommandOptions,
): void {
  const { name, path, says, decision, params, input, answer = Type.Unknown() } = command;
  const application = context.policy.model.name;
  server.post(
    path,
    {
      config: { decision, bodyOptional: validatorFor(input)({}) },
      schema: {
        tags: ['Commands'],
        operationId: name,
        summary: says,
        security: [{ bearer: [] }],
        ...(hasParameters(path) ? { params } : {}),
        body: input,
        response:
          context.application.api === 'json-api' ? jsonApiAnswers(200, answer, JSON_TYPE) : answers(200, answer),
      },
    },
    async (request, reply) => {
      const { body, cookies = [] } = await runCommand(contextOf(request), caller(request), command, {
        params: request.params as Record<string, string>,
        input: request.body as Record<string, unknown>,
        countAttempt: () => throttleByAddress(throttle, 'credentials', application, request, reply),
      });
      for (const cookie of cookies) setCookie(server, request, reply, cookie, secureCookies);
      return reply.type(JSON_TYPE).send(body);
    },
  );
}

function hasParameters(path: string): boolean {
  return path.includes('/:');
}

/**
 * A cookie of the application's own (RFC 6265 §4.1.1; RFC 6265bis §4.1.2.7): no other site's page makes a browser send it.
 * @throws TypeError for what can't be written so, or is the name of one of the installation's
 */
function setCookie(
  { prefix }: FastifyInstance,
  request: FastifyRequest,
  reply: FastifyReply,
  { name, value, maxAgeSeconds }: CommandCookie,
  secure: boolean,
): void {
  const writable = /^[\w.-]{1,60}$/.test(name) && /^[\w!#$%&'()*+./:<=>?@[\]^`{|}~-]{0,3000}$/.test(value);
  if (!writable || /^(__|ostiary)/i.test(name)) throw new TypeError(`a command can't set the cookie '${name}'`);
  const age = maxAgeSeconds === undefined ? '' : `; Max-Age=${Math.floor(maxAgeSeconds)}`;
  const safe = secure || request.protocol === 'https' ? '; Secure' : '';
  reply.header('set-cookie', `${name}=${value}; Path=${prefix || '/'}; HttpOnly; SameSite=Strict${safe}${age}`);
}
