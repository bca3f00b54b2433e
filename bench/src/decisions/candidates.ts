import { Ability, createMongoAbility, type MatchConditions, type MongoAbility, subject } from '@casl/ability';
import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import {
  allows,
  closeGrants,
  type Grant,
  type Principal,
  principal,
  question,
  type RecordFacts,
} from '@ostiary/policy';
import { newEnforcer, newModelFromString } from 'casbin';
import { surveyModel, surveyPolicy } from '../surveys/model.js';
import type { Action, Survey, User, Workload } from './workload.js';

/** Answers one check, by the numbers of user and survey in the workload. */
export type Answer = (user: number, action: Action, survey: number) => boolean;

export interface Engine {
  readonly name: string;
  readonly answer: Answer;
  /** Checks in a round: fewer for what is slow. */
  readonly checks: number;
}

/** The rule as a person writes it for speed: what everything else is compared with. */
export function handWritten(user: User, action: Action, survey: Survey): boolean {
  if (survey.ownerId === user.id) return true;
  if (user.organisations.get(survey.organisationId) === 'admin') return true;
  const team = user.teams.get(survey.teamId);
  const role = user.surveys.get(survey.id);
  if (action === 'view') return team !== undefined || role !== undefined;
  return team === 'admin' || team === 'creator' || role === 'creator' || role === 'editor';
}

export async function engines(work: Workload): Promise<readonly Engine[]> {
  return [byHand(work), ...ostiary(work), caslLambda(work), casl(work), await casbin(work), cedarWasm(work)];
}

function byHand({ users, surveys }: Workload): Engine {
  return {
    name: 'hand-written, Map by string id',
    checks: 1_000_000,
    answer: (user, action, survey) => handWritten(users[user] as User, action, surveys[survey] as Survey),
  };
}

function ostiary({ users, surveys }: Workload): readonly Engine[] {
  const principals = users.map((user) => {
    const granted: Grant[] = [
      ...[...user.organisations].map(([id, role]) => ({ role, scope: 'Organisation', id })),
      ...[...user.teams].map(([id, role]) => ({ role, scope: 'Team', id })),
      ...[...user.surveys].map(([id, role]) => ({ role, scope: 'Survey', id })),
    ];
    return principal({
      kind: 'user',
      id: user.id,
      attributes: {},
      grants: closeGrants(surveyModel, granted, () => null),
    });
  });
  const records = surveys.map((survey) => ({ ...survey }));
  const environment = { now: '2026-01-01T00:00:00.000Z' };
  const engine = (
    name: string,
    may: (principal: Principal, action: Action, record: RecordFacts) => boolean,
  ): Engine => ({
    name,
    checks: 1_000_000,
    answer: (user, action, survey) => may(principals[user] as Principal, action, records[survey] as RecordFacts),
  });
  const [view, edit] = [question(surveyPolicy, 'read', 'Survey'), question(surveyPolicy, 'update', 'Survey')];
  return [
    engine('Ostiary, the rule as data', (principal, action, record) =>
      action === 'view' ? view(principal, record, environment) : edit(principal, record, environment),
    ),
    engine('Ostiary, its rule looked up each time', (principal, action, record) =>
      allows(surveyPolicy, principal, action === 'view' ? 'read' : 'update', 'Survey', record, environment),
    ),
  ];
}

function caslLambda({ users, surveys }: Workload): Engine {
  const abilities = users.map(
    (user) =>
      new Ability<[Action, 'Survey' | Survey], MatchConditions>(
        (['view', 'edit'] as const).map((action) => ({
          action,
          subject: 'Survey' as const,
          conditions: (survey) => handWritten(user, action, survey as Survey & object),
        })),
        { conditionsMatcher: (lambda) => lambda, detectSubjectType: () => 'Survey' },
      ),
  );
  return {
    name: 'CASL, one lambda an action',
    checks: 500_000,
    answer: (user, action, survey) => abilities[user]?.can(action, surveys[survey] as Survey) === true,
  };
}

function casl({ users, surveys }: Workload): Engine {
  const tagged = surveys.map((survey) => subject('Survey', { ...survey }));
  const held = (roles: ReadonlyMap<string, string>, among: readonly string[]) =>
    [...roles].flatMap(([id, role]) => (among.includes(role) ? [id] : []));
  const abilities = users.map((user): MongoAbility => {
    const rules = (action: Action, team: readonly string[], survey: readonly string[]) =>
      [
        { ownerId: user.id },
        { organisationId: { $in: held(user.organisations, ['admin']) } },
        { teamId: { $in: held(user.teams, team) } },
        { id: { $in: held(user.surveys, survey) } },
      ].map((conditions) => ({ action, subject: 'Survey', conditions }));
    return createMongoAbility([
      ...rules('view', ['admin', 'creator', 'viewer'], ['creator', 'editor', 'viewer']),
      ...rules('edit', ['admin', 'creator'], ['creator', 'editor']),
    ]);
  });
  return {
    name: 'CASL, idiomatic, ability kept per user',
    checks: 200_000,
    answer: (user, action, survey) => abilities[user]?.can(action, tagged[survey] as Survey & object) === true,
  };
}

const CASBIN_MODEL = `
[request_definition]
r = sub, obj, act
[policy_definition]
p = act, team, survey
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.act == p.act && (r.sub.id == r.obj.ownerId || org(r.sub, r.obj) == 'admin' || has(p.team, team(r.sub, r.obj)) || has(p.survey, survey(r.sub, r.obj)))
`;

async function casbin({ users, surveys }: Workload): Promise<Engine> {
  const enforcer = await newEnforcer(newModelFromString(CASBIN_MODEL));
  await enforcer.addFunction(
    'org',
    (user: User, survey: Survey) => user.organisations.get(survey.organisationId) ?? '',
  );
  await enforcer.addFunction('team', (user: User, survey: Survey) => user.teams.get(survey.teamId) ?? '');
  await enforcer.addFunction('survey', (user: User, survey: Survey) => user.surveys.get(survey.id) ?? '');
  await enforcer.addFunction('has', (roles: string, role: string) => role !== '' && roles.includes(role));
  await enforcer.addPolicy('view', 'admin creator viewer', 'creator editor viewer');
  await enforcer.addPolicy('edit', 'admin creator', 'creator editor');
  return {
    name: 'casbin',
    checks: 50_000,
    answer: (user, action, survey) => enforcer.enforceSync(users[user], surveys[survey], action),
  };
}

const CEDAR_POLICIES = `
permit(principal, action == Action::"view", resource) when {
  resource.owner == principal.id || principal.orgAdmin.contains(resource.organisation) ||
  principal.teamViewer.contains(resource.team) || principal.surveyViewer.contains(resource.id)
};
permit(principal, action == Action::"edit", resource) when {
  resource.owner == principal.id || principal.orgAdmin.contains(resource.organisation) ||
  principal.teamCreator.contains(resource.team) || principal.surveyEditor.contains(resource.id)
};`;

function cedarWasm({ users, surveys }: Workload): Engine {
  const parsed = cedar.preparsePolicySet('surveys', { staticPolicies: CEDAR_POLICIES });
  if (parsed.type === 'failure') throw new Error(JSON.stringify(parsed.errors));
  const held = (roles: ReadonlyMap<string, string>, ...among: string[]) =>
    [...roles].flatMap(([id, role]) => (among.includes(role) ? [id] : []));
  const principals = users.map((user) => ({
    uid: { type: 'User', id: user.id },
    attrs: {
      id: user.id,
      orgAdmin: held(user.organisations, 'admin'),
      teamViewer: [...user.teams.keys()],
      teamCreator: held(user.teams, 'admin', 'creator'),
      surveyViewer: [...user.surveys.keys()],
      surveyEditor: held(user.surveys, 'creator', 'editor'),
    },
    parents: [],
  }));
  const resources = surveys.map(({ id, ownerId, organisationId, teamId }) => ({
    uid: { type: 'Survey', id },
    attrs: { id, owner: ownerId, organisation: organisationId, team: teamId },
    parents: [],
  }));
  return {
    name: 'Cedar wasm, policies parsed before',
    checks: 2_000,
    answer(user, action, survey) {
      const [who, what] = [principals[user], resources[survey]] as [(typeof principals)[0], (typeof resources)[0]];
      const answer = cedar.statefulIsAuthorized({
        principal: who.uid,
        action: { type: 'Action', id: action },
        resource: what.uid,
        context: {},
        preparsedPolicySetId: 'surveys',
        entities: [who, what],
      });
      return answer.type === 'success' && answer.response.decision === 'allow';
    },
  };
}
