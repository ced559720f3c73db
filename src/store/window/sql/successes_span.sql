-- Widens the span in which every success was read. A window after a gap begins a new one.
update watermarks set
    successes_from = case
        when successes_through is null or $3 > successes_through then $3
        when $4 < successes_from or successes_from < $3 then successes_from
        else $3 end,
    successes_through = case
        when successes_through is null or $4 > successes_through then $4
        else successes_through end
where account = $1 and source = $2
