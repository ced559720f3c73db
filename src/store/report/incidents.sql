select i.account, i.kind, i.app_name, i.error_class, t.example as error, i.started_at, i.ended_at, i.is_ongoing,
       i.failures, i.people, count(*) over () as in_all,
       count(case when i.is_ongoing then 1 end) over () as ongoing_in_all
from app_incidents i
left join error_texts t on t.account = i.account and t.error_fingerprint = i.error_fingerprint
where i.account = $1 and i.started_at >= $2 and i.started_at < $3
order by i.started_at desc, i.incident_id
limit $4
