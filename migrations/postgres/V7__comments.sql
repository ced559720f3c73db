-- The comments of tables, columns and views, worded again in plainer English. SQLite keeps comments inside
-- the statement that made a table, so there they change when a table is next rebuilt.

comment on table users is 'Users that a failure names, with their latest known details';
comment on column users.user_id is 'OneLogin''s id of the user';
comment on column users.email is 'E-mail address; null if OneLogin gave none';
comment on column users.username is 'Login name; null if OneLogin gave none';
comment on column users.firstname is 'First name; null if OneLogin gave none';
comment on column users.lastname is 'Last name; null if OneLogin gave none';
comment on column users.last_failure_id is 'The newest failure of this user: the greatest failure_id';
comment on column users.last_failure_at is 'When the newest failure happened';
comment on column users.first_seen_at is 'When this user was first written';
comment on column users.display_name is 'Name in the newest failure: first and last name, or the e-mail address';
comment on column users.profile_id is 'Version of the profile (e-mail address and names): the failure it comes from, or a key made from the time of the request';
comment on column users.profile_at is 'Time of that version of the profile; null if no profile is known yet';
comment on column users.profile_source is 'Where the profile comes from: legacy, or users for the users API';
comment on column users.asked_at is 'When the profile was last requested from the users API; null before the first request';

comment on table provisioning_failures is 'Failed attempts to grant, change or remove access, as each source reported them';
comment on column provisioning_failures.failure_id is 'Made from what identifies the failure: equal on every machine, sorts by time';
comment on column provisioning_failures.source_id is 'The payload''s id; for legacy perhaps the app''s and so not unique; null for webhook';
comment on column provisioning_failures.login_id is 'The link between the user and the app; null for events';
comment on column provisioning_failures.user_id is 'The user (users); null if OneLogin named none';
comment on column provisioning_failures.app_id is 'The app''s id; null if the source gives none';
comment on column provisioning_failures.app_name is 'The app''s name; for legacy read from the description, null if that names none';
comment on column provisioning_failures.created_at_raw is 'The same time as OneLogin wrote it';
comment on column provisioning_failures.description is 'OneLogin''s sentence about the failure; for events built from type, user and app';
comment on column provisioning_failures.error_description is 'Reason for the failure, as the app or OneLogin gives it';
comment on column provisioning_failures.raw is 'The record as received, byte for byte; null with --raw none';
comment on column provisioning_failures.content_hash is 'Hash of raw; distinguishes a changed record from a repeated one';
comment on column provisioning_failures.operation_source is 'Where the operation was read from: event_type, or description for legacy';
comment on column provisioning_failures.solved is 'Whether OneLogin regards it as solved (events); null if it gives no answer';

comment on table provisioning_successes is 'Successful provisioning, which closes earlier failures';
comment on column provisioning_successes.success_id is 'Made from what identifies the event: equal on every machine, sorts by time';
comment on column provisioning_successes.user_id is 'OneLogin''s id of the user, who is in users only if an operation on them failed';
comment on column provisioning_successes.user_name is 'The user''s name in the event';
comment on column provisioning_successes.created_at_raw is 'The same time as OneLogin wrote it';
comment on column provisioning_successes.raw is 'The record as received, byte for byte; null with --raw none';
comment on column provisioning_successes.content_hash is 'Hash of raw; distinguishes a changed record from a repeated one';

comment on table rejected_records is 'Records that could not be read, or that a later one displaced: kept, never dropped';
comment on column rejected_records.reject_id is 'Made from account, source and raw: one row per record, however often it is read';
comment on column rejected_records.run_id is 'The run that last read it (sync_runs)';
comment on column rejected_records.detail is 'What was expected and what was found';
comment on column rejected_records.raw is 'The record as received; bytes that are not text are replaced by U+FFFD';
comment on column rejected_records.first_seen_at is 'When it was first read';
comment on column rejected_records.last_seen_at is 'When it was last read';
comment on column rejected_records.replayed_at is 'When the same record was loaded after all; null while it is open';

comment on table watermarks is 'Per account and source: how far the sync has got, and which run holds the lease';
comment on column watermarks.lease_owner is 'Host and process of the run that holds the lease; null if no run does';
comment on column watermarks.lease_token is 'Fencing token: increases with every lease; a commit with an older one is refused';
comment on column watermarks.lease_expires_at is 'When the lease expires unless renewed; null if no run holds it';
comment on column watermarks.rescanned_at is 'Time up to which the span of --rescan was last re-read; null before the first time';
comment on column watermarks.rescan_next is 'Where an unfinished rescan continues; null if the last one finished';

comment on table sync_runs is 'Runs of sync, recorded from their start';
comment on column sync_runs.run_id is 'UUIDv7: sorts by time';
comment on column sync_runs.started_at is 'When the run took its lease';
comment on column sync_runs.finished_at is 'When the run ended; null while it is running';
comment on column sync_runs.exit_code is 'The process''s exit code; null while it is running, or if it did not report an end';
comment on column sync_runs.error is 'Why the run failed; null if it did not';
comment on column sync_runs.fetched is 'Records in the committed windows = inserted + updated + unchanged + rejected';
comment on column sync_runs.inserted is 'New failures';
comment on column sync_runs.updated is 'Failures whose content changed';
comment on column sync_runs.unchanged is 'Failures stored already with the same content; not written';
comment on column sync_runs.rejected is 'Records written to rejected_records, known ones included';
comment on column sync_runs.requests is 'HTTP requests sent';
comment on column sync_runs.retries is 'HTTP requests that repeated an earlier one';
comment on column sync_runs.bytes is 'Bytes of response bodies, decompressed';
comment on column sync_runs.successes is 'Successes in the committed windows, known ones included; not part of fetched';
comment on column sync_runs.ignored is 'Events of types that were not selected; not part of fetched';
comment on column sync_runs.people_pending is 'Users whose profile is still to be requested from the users API';

comment on table sync_windows is 'The ledger: each window, written in the transaction of its rows';
comment on column sync_windows.window_id is 'UUIDv7: sorts by time';
comment on column sync_windows.window_from is 'Start of the requested interval';
comment on column sync_windows.window_to is 'End of the requested interval, never past the server''s now';
comment on column sync_windows.fetched is 'Records in the response = inserted + updated + unchanged + rejected';
comment on column sync_windows.inserted is 'New failures';
comment on column sync_windows.updated is 'Failures whose content changed';
comment on column sync_windows.unchanged is 'Failures stored already with the same content; not written';
comment on column sync_windows.rejected is 'Records written to rejected_records, known ones included';
comment on column sync_windows.successes is 'Successes in the response, known ones included; not part of fetched';
comment on column sync_windows.ignored is 'Events of types that were not selected; not part of fetched';

comment on table event_types is 'The names that OneLogin gives its event types, compared at most once a day';
comment on column event_types.description is 'Its sentence, with placeholders such as %user%';

comment on table api_calls is 'API calls of the last hour per minute, with those reserved by a run in progress';
comment on column api_calls.minute is 'The minute in which they were counted';
comment on column api_calls.calls is 'Number of calls';

comment on view failure_details is 'Failures of every source, with their users: where BI tools start';
comment on view failures is 'Each failure once, with its user, whichever sources have it: events before legacy before webhook';
comment on view failures_daily is 'Failures and the users they affect, per UTC day';
comment on view open_failures is 'Failures that no later success of the same user, app and operation has closed';
comment on view sync_health is 'Per account and source: age of the watermark, the last run, open rejects';
