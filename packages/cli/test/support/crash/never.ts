/** What must never be there. Each selects the ids of what breaks it. */
export const NEVER: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['Subject', 'Session', 'User', 'Group'].flatMap((type) => {
      const table = `open_data_capture."${type.toLowerCase()}"`;
      const told = (events: string) =>
        `select record_id, count(*) from ostiary.audit
         where application = 'open-data-capture' and resource_type = '${type}' and event in (${events}) group by 1`;
      return [
        [
          `a ${type} that the trail does not tell once of as created`,
          `select r.id from ${table} r left join (${told("'record.created'")}) e on e.record_id = r.id::text
           where e.count is distinct from 1`,
        ],
        [
          `a ${type} with another number of updates than the trail tells of`,
          `select r.id from ${table} r left join (${told("'record.updated', 'record.action'")}) e on e.record_id = r.id::text
           where coalesce(e.count, 0) <> r.version - 1`,
        ],
        [
          `a ${type} that the trail tells of as created, and that is not there`,
          `select e.record_id as id from (${told("'record.created'")}) e
             left join (${told("'record.deleted'")}) d on d.record_id = e.record_id
             left join ${table} r on r.id::text = e.record_id
           where (r.id is null) <> (d.count is not distinct from 1)`,
        ],
      ];
    }),
  ),
  'a user without an account, or with another one than theirs': `select coalesce(u.id, a.principal_id) as id
    from open_data_capture."user" u
    full join (select * from ostiary.account where application = 'open-data-capture') a on a.principal_id = u.id
    where u.username is distinct from a.login or u.disabled is distinct from a.disabled`,
  'a session whose subject is not one of its group': `select s.id from open_data_capture.session s
    left join open_data_capture.subject j on j.id = s.subject_id
    where s.group_id is not null and (j.group_ids @> array[s.group_id]) is not true`,
  'a reference to a group that is not there': `select r.id from
    (select id, unnest(group_ids) as group_id from open_data_capture.subject
     union all select id, unnest(group_ids) from open_data_capture."user") r
    left join open_data_capture."group" g on g.id = r.group_id where g.id is null`,
  'an entry that is neither sealed nor waits to be': `select a.id from ostiary.audit a
    where not exists (select from ostiary.audit_seal s where s.entry = a.id)
      and not exists (select from ostiary.audit_unsealed q where q.entry = a.id)`,
};
