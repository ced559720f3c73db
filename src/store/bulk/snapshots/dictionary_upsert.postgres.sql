-- Two programs may write it at once.
insert into data_dictionary (
    table_name, column_name, kind, type_postgres, type_sqlite, description, is_personal
) select * from unnest($1,$2,$3,$4,$5,$6,$7)
on conflict (table_name, column_name) do update set
    kind = excluded.kind,
    type_postgres = excluded.type_postgres,
    type_sqlite = excluded.type_sqlite,
    description = excluded.description,
    is_personal = excluded.is_personal

-- New rows:
copy data_dictionary (
    table_name, column_name, kind, type_postgres, type_sqlite, description, is_personal
) from stdin (format binary)
