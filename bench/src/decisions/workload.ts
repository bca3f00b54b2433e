import { Random } from '../random.js';

export type Action = 'view' | 'edit';

/** A user with memberships resolved: the role by the id of what it is held on. */
export interface User {
  readonly id: string;
  readonly organisations: ReadonlyMap<string, string>;
  readonly teams: ReadonlyMap<string, string>;
  readonly surveys: ReadonlyMap<string, string>;
}

export interface Survey {
  readonly id: string;
  readonly ownerId: string;
  readonly organisationId: string;
  readonly teamId: string;
}

export interface Check {
  readonly user: number;
  readonly action: Action;
  readonly survey: number;
}

export interface Workload {
  readonly users: readonly User[];
  readonly surveys: readonly Survey[];
  readonly checks: readonly Check[];
}

const USERS = 1_000;
const ORGANISATIONS = 50;
const TEAMS = 200;
const SURVEYS = 10_000;

/** The survey platform in memory; half of the checks are on a survey that is tied to the user. */
export function workload(seed: number, checks: number): Workload {
  const random = new Random(seed);
  const idOf = (kind: string, number: number) =>
    `${kind}${String(number).padStart(7, '0')}-0000-7000-8000-000000000000`;
  const roles = (kind: string, howMany: number, of: number, names: readonly string[]) =>
    new Map(Array.from({ length: howMany }, () => [idOf(kind, random.below(of)), random.one(names)]));
  const users = Array.from({ length: USERS }, (_, number) => ({
    id: idOf('a', number),
    organisations: roles('b', 2, ORGANISATIONS, ['admin', 'creator', 'viewer']),
    teams: roles('c', 4, TEAMS, ['admin', 'creator', 'viewer']),
    surveys: roles('d', 10, SURVEYS, ['creator', 'editor', 'viewer']),
  }));
  const surveys = Array.from({ length: SURVEYS }, (_, number) => ({
    id: idOf('d', number),
    ownerId: idOf('a', random.below(USERS)),
    organisationId: idOf('b', random.below(ORGANISATIONS)),
    teamId: idOf('c', random.below(TEAMS)),
  }));
  const tied = users.map((user) =>
    surveys.flatMap((survey, number) => {
      const is =
        survey.ownerId === user.id ||
        user.organisations.has(survey.organisationId) ||
        user.teams.has(survey.teamId) ||
        user.surveys.has(survey.id);
      return is ? [number] : [];
    }),
  );
  return {
    users,
    surveys,
    checks: Array.from({ length: checks }, (_, number) => {
      const user = random.below(USERS);
      const survey = number % 2 === 0 ? random.one(tied[user] ?? []) : random.below(SURVEYS);
      return { user, action: random.one(['view', 'edit'] as const), survey };
    }),
  };
}
