select w.density, p.densest, p.planned_part, p.reserved_calls, p.reserved_minute
from watermarks w
left join reading_plans p on p.account = w.account and p.source = w.source
where w.account = $1 and w.source = $2
