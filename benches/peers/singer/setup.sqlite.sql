-- Otherwise it would wait for the disk several times for every row.
pragma journal_mode = wal;
