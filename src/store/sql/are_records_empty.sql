-- Indexes are of all accounts.
select not exists (select 1 from provisioning_failures) and not exists (select 1 from provisioning_successes)
