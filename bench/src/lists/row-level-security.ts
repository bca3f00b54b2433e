import type { Database } from '@ostiary/server';

/** Whom the policy acts on: the owner of the tables, and whoever administers the database, are exempt. */
export const RLS_ROLE = 'ostiary_bench_reader';

/**
 * Row-level security as it is best: the user in a setting that is read once, memberships through functions that are
 * trusted, each asked once for a statement.
 */
export async function addRowLevelSecurity({ pool }: Database): Promise<void> {
  const mine = (name: string, select: string) =>
    `create function surveys.${name}() returns setof uuid language sql stable security definer rows 20 as
       $$ ${select} and user_id = current_setting('app.user_id')::uuid $$`;
  const statements = [
    `do $$ begin create role ${RLS_ROLE}; exception when duplicate_object then null; end $$`,
    mine('my_organisations', `select organisation_id from surveys.organisation_member where role = 'admin'`),
    mine('my_teams', `select team_id from surveys.team_member where true`),
    mine('my_surveys', `select survey_id from surveys.survey_member where true`),
    `alter table surveys.survey enable row level security`,
    `create policy viewed_by on surveys.survey for select to ${RLS_ROLE} using (
       owner_id = (select current_setting('app.user_id')::uuid)
       or organisation_id in (select surveys.my_organisations())
       or team_id in (select surveys.my_teams())
       or id in (select surveys.my_surveys()))`,
    `grant usage on schema surveys to ${RLS_ROLE}`,
    `grant select on all tables in schema surveys to ${RLS_ROLE}`,
  ];
  for (const statement of statements) await pool.query(statement);
}
