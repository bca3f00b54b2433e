import type { FastifyRequest } from 'fastify';

/**
 * How many lines of a request's head have this name, in lower case. Node gives the first of several: whoever is in front
 * of us may have looked at another.
 */
export function headerLines({ raw: { rawHeaders } }: FastifyRequest, name: string): number {
  let lines = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const written = rawHeaders[index] ?? '';
    if (written.length === name.length && written.toLowerCase() === name) lines += 1;
  }
  return lines;
}
