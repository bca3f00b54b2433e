import { any, choice, equal, model, policy, reference, resource, rules, text } from '@ostiary/policy';

const organisationRoles = ['admin', 'creator', 'viewer'] as const;
const teamRoles = ['admin', 'creator', 'viewer'] as const;
const surveyRoles = ['creator', 'editor', 'viewer'] as const;

/** A survey platform: the workload of the decisions in memory and of the lists. */
export const surveyModel = model({
  name: 'surveys',
  title: 'Surveys',
  principals: { user: 'User' },
  resources: {
    User: resource({ fields: { name: text({ unique: true }), password: text({ secret: true, optional: true }) } }),
    Organisation: resource({ fields: { name: text() } }),
    Team: resource({ fields: { name: text(), organisationId: reference('Organisation') } }),
    Survey: resource({
      fields: {
        name: text(),
        ownerId: reference('User'),
        organisationId: reference('Organisation', { optional: true }),
        teamId: reference('Team', { optional: true }),
      },
      orders: ['name'],
    }),
    OrganisationMember: resource({
      fields: { organisationId: reference('Organisation'), userId: reference('User'), role: choice(organisationRoles) },
    }),
    TeamMember: resource({
      fields: { teamId: reference('Team'), userId: reference('User'), role: choice(teamRoles) },
    }),
    SurveyMember: resource({
      fields: { surveyId: reference('Survey'), userId: reference('User'), role: choice(surveyRoles) },
    }),
  },
  roles: { Organisation: organisationRoles, Team: teamRoles, Survey: surveyRoles },
  implications: {
    'Team admin': ['Team creator'],
    'Team creator': ['Team viewer'],
    'Survey creator': ['Survey editor'],
    'Survey editor': ['Survey viewer'],
  },
  grants: [
    {
      in: 'OrganisationMember',
      holder: 'userId',
      role: { field: 'role' },
      on: { scope: 'Organisation', field: 'organisationId' },
    },
    { in: 'TeamMember', holder: 'userId', role: { field: 'role' }, on: { scope: 'Team', field: 'teamId' } },
    { in: 'SurveyMember', holder: 'userId', role: { field: 'role' }, on: { scope: 'Survey', field: 'surveyId' } },
  ],
});

export const surveyPolicy = policy(surveyModel, [
  rules(surveyModel, 'Survey', ({ it, me, allow, holds }) => [
    allow('view', {
      says: 'Owner, administrator of the organisation, any member of the team, any role on the survey',
      source: 'bench-targets, workload A',
      actions: ['read'],
      when: any(
        equal(it.ownerId, me.user.id),
        holds('Organisation admin', it.organisationId),
        holds('Team viewer', it.teamId),
        holds('Survey viewer', it),
      ),
    }),
    allow('edit', {
      says: 'Owner, administrator of the organisation, administrator or creator of the team, creator or editor of the survey',
      source: 'bench-targets, workload A',
      actions: ['update'],
      when: any(
        equal(it.ownerId, me.user.id),
        holds('Organisation admin', it.organisationId),
        holds('Team creator', it.teamId),
        holds('Survey editor', it),
      ),
    }),
  ]),
]);
