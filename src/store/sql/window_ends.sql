-- Ends of windows that were read from the source, not loaded from a file.
select window_to, committed_at from sync_windows
where account = $1 and source = $2 and window_to <= $3 and not is_from_file
order by window_to desc
limit 1000
