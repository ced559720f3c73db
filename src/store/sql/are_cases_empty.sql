-- Indexes are of all accounts.
select not exists (select 1 from provisioning_cases)
