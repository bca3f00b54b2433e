import { Problem } from '../problems.js';

export const MEDIA_TYPE = 'application/vnd.api+json';

/** Parts of a header between separators, which may stand in quoted texts as well. */
const LIST = /(?:[^,"]|"(?:[^"\\]|\\.)*")+/g;
const PARAMETERS = /(?:[^;"]|"(?:[^"\\]|\\.)*")+/g;

/**
 * Whether a request says in a way of ours what it sends and takes (the specification's 'Content Negotiation'): of the media
 * type's parameters `profile` is ignored, since none is known, and there are no extensions.
 * @throws Problem `unsupported_media_type`, `not_acceptable`
 */
export function negotiate(headers: {
  readonly 'content-type'?: string | undefined;
  readonly accept?: string | undefined;
}): void {
  const { 'content-type': sent, accept } = headers;
  if (sent !== undefined && isModified(sent) === true) {
    throw new Problem('unsupported_media_type', {
      detail: `Send ${MEDIA_TYPE} without parameters: there are no extensions here.`,
    });
  }
  const modified = (accept?.match(LIST) ?? []).flatMap((each) => isModified(each, 'q') ?? []);
  if (modified.length > 0 && modified.every((each) => each)) {
    throw new Problem('not_acceptable', {
      detail: `Accept ${MEDIA_TYPE} without parameters: there are no extensions here.`,
    });
  }
}

/** Whether this is JSON:API's media type in a form that is not known here; null where it is another type. */
function isModified(text: string, ...ignored: readonly string[]): boolean | null {
  const [type = '', ...parameters] = (text.match(PARAMETERS) ?? []).map((part) => part.trim());
  if (type.toLowerCase() !== MEDIA_TYPE) return null;
  const names = parameters.map((parameter) => parameter.split('=', 1)[0]?.trim().toLowerCase() ?? '');
  return names.some((name) => name !== '' && name !== 'profile' && !ignored.includes(name));
}
