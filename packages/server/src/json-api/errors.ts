import { PROBLEMS, Problem } from '../problems.js';
import { VERSION } from './document.js';

/**
 * A problem as JSON:API says it: an error for each place that is wrong, and the codes and words of the problem. Two things
 * have another status there: a parameter that is not understood is a 400, and a record that is referred to and does not
 * exist a 404.
 */
export function errorDocument(problem: Problem, requestId: string): { readonly status: number; readonly body: object } {
  const { code, details } = problem;
  const { detail, missing, decision, part, errors } = details;
  const status = part === 'parameter' ? 400 : code === 'reference_not_found' ? 404 : problem.status;
  const common = { status: String(status), code, title: PROBLEMS[code].title };
  const meta = { ...(missing ? { missing } : {}), ...(decision ? { decision } : {}), requestId };
  const told =
    errors === undefined || errors.length === 0
      ? [{ ...common, ...(detail === undefined ? {} : { detail }), meta }]
      : errors.map(({ pointer, message }) => ({ ...common, detail: message, source: sourceOf(part, pointer), meta }));
  return { status, body: { jsonapi: { version: VERSION }, errors: told } };
}

function sourceOf(part: 'parameter' | 'header' | undefined, pointer: string): Readonly<Record<string, string>> {
  return part === undefined ? { pointer } : { [part]: pointer.slice(1) };
}

/** That a parameter is not understood. */
export function wrongParameter(name: string, message: string): Problem {
  return new Problem('invalid_input', { part: 'parameter', errors: [{ pointer: `/${name}`, message }] });
}
