import { type Field, type Model, resourceOf } from '@ostiary/policy';
import { Failure } from './failure.js';

/** Reads `name=value` pairs as fields of a type, each by the field's kind. */
export function readValues(model: Model, type: string, pairs: readonly string[]): Readonly<Record<string, unknown>> {
  const { fields } = resourceOf(model, type);
  const known = Object.entries(fields).filter(([, field]) => field.filled !== 'principal' && !field.secret);
  return Object.fromEntries(
    pairs.map((pair) => {
      const [name = '', ...rest] = pair.split('=');
      if (rest.length === 0) throw new Failure('usage', `--set ${pair} has no value: write --set name=value.`);
      const field = known.find(([candidate]) => candidate === name)?.[1];
      if (field === undefined) {
        const names = known.map(([candidate]) => candidate).join(', ');
        throw new Failure('usage', `${type} has no field '${name}' to set; it has ${names}.`);
      }
      return [name, readValue(name, field, rest.join('='))];
    }),
  );
}

function readValue(name: string, field: Field, text: string): unknown {
  if (text === 'null' && field.optional) return null;
  if (field.many) return text === '' ? [] : text.split(',').map((part) => readOne(name, field, part.trim()));
  return readOne(name, field, text);
}

function readOne(name: string, { kind }: Field, text: string): unknown {
  if (!['integer', 'number', 'boolean', 'json'].includes(kind)) return text;
  try {
    return JSON.parse(text);
  } catch {
    throw new Failure('usage', `--set ${name}=${text}: this is not a ${kind === 'json' ? 'value in JSON' : kind}.`);
  }
}
