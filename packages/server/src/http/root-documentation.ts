import type { Root } from '../application/addresses.js';

/** What tells an operation at one root from the same at another, in the API's documentation. */
export function documentedAt({ kind }: Root, tag: string, operationId: string) {
  if (kind === null) return { tags: [tag], operationId };
  const name = `${kind[0]?.toUpperCase()}${kind.slice(1)}`;
  return { tags: [`${name}: ${tag}`], operationId: `${operationId}As${name}` };
}
