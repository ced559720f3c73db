select account, source, gap_from, gap_to, gap_seconds, count(*) over () as in_all
from coverage_gaps
where account = $1
order by gap_from desc, source
limit $2
