-- The start of the first window that was read from the source, not loaded from a file.
select window_from from sync_windows
where account = $1 and source = $2 and not is_from_file
order by window_from
limit 1
