-- The size of a server's pages, and of the next piece of what is re-read, for the next run.

alter table reading_plans add column page double precision;
comment on column reading_plans.page is 'Records of a full page; null until one was seen';

alter table rereads add column piece_seconds bigint;
comment on column rereads.piece_seconds is 'Seconds of the next piece at most, after one that held too many pages; null if none did';
