-- What dashboards read, now across the sources. Columns are added behind those that were there.

create or replace view failure_details as
select f.failure_id, f.account, f.source, f.created_at,
       f.user_id, u.email, u.username, u.firstname, u.lastname,
       f.operation, f.app_id, f.app_name, f.event_type_id, f.description, f.error_description,
       f.login_id, f.source_id, f.first_seen_at, f.synced_at,
       u.display_name, f.operation_source, f.solved, f.resolved_at, f.resolution
from provisioning_failures f
left join users u on u.account = f.account and u.user_id = f.user_id;

-- A failure of a lesser source is left out when a better one has its equal. Equals are counted: of two
-- that look the same and one equal, one is left out.
create view failures as
select d.*
from failure_details d
where not exists (
    select 1 from provisioning_failures b
    where b.account = d.account
      and b.source < d.source
      and b.user_id is not distinct from d.user_id
      and b.operation = d.operation
      and (b.app_name = d.app_name or b.app_name is null or d.app_name is null)
      and b.created_at between d.created_at - interval '1 second' and d.created_at + interval '1 second'
    group by b.source
    having count(*) >= (
        select count(*) from provisioning_failures s
        where s.account = d.account
          and s.source = d.source
          and s.user_id is not distinct from d.user_id
          and s.operation = d.operation
          and s.app_name is not distinct from d.app_name
          and s.created_at between d.created_at - interval '1 second' and d.created_at + interval '1 second'
          and s.failure_id <= d.failure_id
    )
);

comment on view failures is 'Each failure once, with its person, whichever sources have it: events before legacy before webhook';

create view open_failures as
select f.*
from failures f
where f.solved is not true
  and not exists (
    select 1 from provisioning_successes s
    where s.account = f.account
      and s.user_id = f.user_id
      and s.created_at > f.created_at
      and (s.app_id = f.app_id
           or ((s.app_id is null or f.app_id is null) and s.app_name = f.app_name))
      and (s.operation = f.operation
           or f.operation = 'unknown'
           or (f.operation = 'suspend' and s.operation = 'delete'))
);

comment on view open_failures is 'Failures that no later success of the same person, app and operation has closed';
