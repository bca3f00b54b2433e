import { instant, model, resource, text } from '@ostiary/policy';
import { expect, test } from 'vitest';
import { listSchema } from '../src/input/schemas.js';
import { validatorFor } from '../src/input/validation.js';

const { resources, ...rest } = {
  name: 'names',
  title: 'Names',
  principals: {},
  resources: { visit: resource({ fields: { signed_at: instant(), siteName2: text() } }) },
};

test.each(['signed_at', '-signed_at', 'siteName2', '-createdAt'])('a list can be sorted by %s', (sort) => {
  const validate = validatorFor(listSchema(model({ ...rest, resources }), 'visit'));
  expect(validate({ sort }), JSON.stringify(validate.errors)).toBe(true);
});
