-- Errors without the names that other records give: the program makes the fingerprints of failures without a person
-- again, and the rebuild after that replaces the names that are stored of persons.

update provisioning_failures set error_fingerprint = null
where user_id is null and outcome = 'failed' and description is not null and error_description is not null;

update accounts set rebuild_step = 'fingerprints', rebuilt_through = null
where account in (select account from provisioning_failures);
update watermarks set needs_rebuild = true
where account in (select account from accounts where rebuild_step is not null);
