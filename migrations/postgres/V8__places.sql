-- A watermark belongs to one OneLogin: the host it was read from, and the account's own id.

create table accounts (
    account             text   not null primary key,
    onelogin_account_id bigint
);

comment on table accounts is 'Your accounts, and the OneLogin account that each of them stands for';
comment on column accounts.account is 'The OneLogin account, as given to --account';
comment on column accounts.onelogin_account_id is 'OneLogin''s own id of the account; null until a token or a record has named it';

insert into accounts (account) select distinct account from watermarks;

alter table watermarks add column read_from text;

comment on column watermarks.read_from is 'Host and port that the records come from, without the default port; null before the first window, and for saved files';

drop view sync_health;

-- A watermark is ahead if it passes the clock by more than a minute, the difference between two clocks
-- that a sync accepts.
create view sync_health as
select w.account, w.source, w.high_water_mark, w.scanned_through,
       extract(epoch from now() - w.high_water_mark)::bigint as mark_age_seconds,
       extract(epoch from now() - w.scanned_through)::bigint as scan_age_seconds,
       r.run_id as last_run_id, r.status as last_run_status,
       r.started_at as last_run_started_at, r.finished_at as last_run_finished_at,
       r.exit_code as last_run_exit_code, r.error as last_run_error,
       (select count(*) from rejected_records j
        where j.account = w.account and j.source = w.source and j.replayed_at is null) as open_rejects,
       w.read_from,
       coalesce(greatest(w.high_water_mark, w.scanned_through) > now() + interval '1 minute', false)
           as is_watermark_ahead
from watermarks w
left join sync_runs r on r.run_id = (
    select n.run_id from sync_runs n
    where n.account = w.account and n.source = w.source
    order by n.started_at desc, n.run_id desc limit 1
);

comment on view sync_health is 'Per account and source: host, age of the watermark, the last run, open rejects';
