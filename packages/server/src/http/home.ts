import type { FastifyInstance } from 'fastify';
import type { Installation } from '../installation.js';

/** `/` lists the applications, as a page or as JSON, as asked for. */
export function homeRoute(server: FastifyInstance, installation: Installation, alone?: string): void {
  const applications = [...installation.contexts.values()]
    .map(({ policy }) => policy.model)
    .filter((model) => alone === undefined || model.name === alone)
    .map(({ name, title }) => {
      const base = alone === undefined ? `/${name}` : '';
      return { name, title, api: `${base}/api`, openapi: `${base}/openapi.json`, documentation: `${base}/docs` };
    });
  server.get(
    '/',
    { config: { decision: { public: 'names the applications' } }, schema: { hide: true } },
    async (request, reply) => {
      reply.header('vary', 'accept');
      if (!prefersHtml(request.headers.accept)) return { applications };
      const items = applications.map(
        ({ title, name, documentation }) =>
          `<li><a href="${escapeHtml(documentation)}/">${escapeHtml(title)}</a> <code>/${escapeHtml(name)}</code></li>`,
      );
      return reply
        .type('text/html; charset=utf-8')
        .send(`<!doctype html><html lang="en"><meta charset="utf-8"><title>Ostiary</title>
<h1>Ostiary</h1><p>Applications of this installation:</p><ul>${items.join('')}</ul></html>`);
    },
  );
}

/** Whether an answer is for a person in front of a browser. */
export function prefersHtml(accept: string | undefined): boolean {
  if (accept === undefined) return false;
  const html = accept.indexOf('text/html');
  const json = accept.indexOf('application/json');
  return html >= 0 && (json < 0 || html < json);
}

function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
}
