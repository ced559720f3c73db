-- What made a load slow without answering anything goes, and the raw record can be left out.

alter table provisioning_failures alter column raw drop not null;
alter table provisioning_successes alter column raw drop not null;
comment on column provisioning_failures.raw is 'The record as it came, byte for byte; null with --raw none';
comment on column provisioning_successes.raw is 'The record as it came, byte for byte; null with --raw none';

-- People are written before the failures that name them, so that nothing has to wait for the commit.
alter table provisioning_failures
    alter constraint provisioning_failures_account_user_id_fkey not deferrable;

-- No answer needs it, and every row of a load paid for it.
drop index provisioning_failures_by_user;

-- A person who fails often is written often. With room on the page the new version of a row stays beside
-- the old one, and no index learns of it.
alter table users set (fillfactor = 50);
