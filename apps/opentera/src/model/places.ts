import { boolean, parent, reference, resource, text } from '@ostiary/policy';

/** Where research happens: sites, and the projects in them. */
export const places = {
  Site: resource({
    says: 'A hospital or a research centre.',
    identifiedBy: 'name',
    fields: {
      name: text({ unique: true, minLength: 1, maxLength: 200 }),
      contact: text({ optional: true, maxLength: 500 }),
      notes: text({ optional: true, maxLength: 5_000 }),
    },
  }),
  Project: resource({
    says: 'A research project of a site.',
    fields: {
      siteId: parent('Site', { fixed: true }),
      name: text({ minLength: 1, maxLength: 200 }),
      description: text({ optional: true, maxLength: 5_000 }),
      enabled: boolean({
        default: true,
        says: 'Once it is not, its participants are shut out and give their devices back.',
      }),
      creatorServiceId: reference('Service', { optional: true, filled: 'principal', clears: true }),
    },
  }),
};
