//! The catalogue of a database, in one form for both.

use crate::support::tables::Db;

/// Sorted rows of text. Refinery's own table is left out.
pub(super) struct Catalogue {
    /// Table, column, place, whether it is `not null`. In order of table and place.
    pub(super) columns: Vec<Vec<String>>,
    /// Table, column, place within the key.
    pub(super) primary_keys: Vec<Vec<String>>,
    /// Table, column, table and column referred to, place within the key.
    pub(super) foreign_keys: Vec<Vec<String>>,
    /// Index, table, whether it is unique, whether it is partial, place, column.
    pub(super) indexes: Vec<Vec<String>>,
    /// View, column, place.
    pub(super) views: Vec<Vec<String>>,
    /// `table`, `view` or `table.column`, and its comment.
    pub(super) comments: Vec<Vec<String>>,
}

impl Catalogue {
    pub(super) fn of(db: &Db) -> Self {
        match db {
            Db::Sqlite(_) => of_sqlite(db),
            Db::Postgres(_) => of_postgres(db),
        }
    }

    /// Every table, view, and column of a table.
    pub(super) fn names_to_describe(&self) -> impl Iterator<Item = String> {
        let columns =
            self.columns.iter().flat_map(|row| [row[0].clone(), format!("{}.{}", row[0], row[1])]);
        columns.chain(self.views.iter().map(|row| row[0].clone()))
    }
}

fn of_sqlite(db: &Db) -> Catalogue {
    const TABLES: &str = "(select name, sql from sqlite_master
        where type = 'table' and name not like 'refinery%' and name not like 'sqlite%')";
    let rows = |sql: &str| db.rows(&sql.replace("TABLES", TABLES));
    let mut comments: Vec<Vec<String>> =
        rows("select sql from TABLES t").iter().flat_map(|row| comments_in(&row[0])).collect();
    comments.extend(
        rows("select sql from sqlite_master where type = 'view'")
            .iter()
            .flat_map(|row| comments_in(&row[0])),
    );
    comments.sort();
    Catalogue {
        columns: rows(
            r#"select t.name, c.name, c.cid + 1, c."notnull"
               from TABLES t, pragma_table_info(t.name) c order by t.name, c.cid"#,
        ),
        primary_keys: rows(
            "select t.name, c.name, c.pk from TABLES t, pragma_table_info(t.name) c
             where c.pk > 0 order by t.name, c.pk",
        ),
        foreign_keys: rows(
            r#"select t.name, f."from", f."table", f."to", f.seq + 1
               from TABLES t, pragma_foreign_key_list(t.name) f order by 1, 2, 3"#,
        ),
        // 'c' = made by `create index`, rather than by a key.
        indexes: rows(
            r#"select i.name, t.name, i."unique", i.partial, c.seqno + 1, c.name
               from TABLES t, pragma_index_list(t.name) i, pragma_index_info(i.name) c
               where i.origin = 'c' order by i.name, c.seqno"#,
        ),
        views: rows(
            "select v.name, c.name, c.cid + 1 from sqlite_master v, pragma_table_info(v.name) c
             where v.type = 'view' order by v.name, c.cid",
        ),
        comments,
    }
}

/// The comments inside a `create table`: a comment on its own line is about the table, one after a
/// column about the column. Inside a `create view`, the comment on its own line.
fn comments_in(sql: &str) -> Vec<Vec<String>> {
    // A table that was renamed has its name in quotes.
    let name =
        sql.split_whitespace().nth(2).expect("`create table name`").trim_matches('"').to_owned();
    let comment = |line: &str| {
        let (before, comment) = line.split_once("-- ")?;
        let comment = comment.trim().trim_end_matches('.').to_owned();
        let of = match before.split_whitespace().next() {
            None => name.clone(),
            Some(column) => format!("{name}.{column}"),
        };
        Some(vec![of, comment])
    };
    sql.lines().skip(1).filter_map(comment).collect()
}

fn of_postgres(db: &Db) -> Catalogue {
    const RELATIONS: &str = "pg_class r join pg_namespace n on n.oid = r.relnamespace
            and n.nspname = 'public' and r.relname not like 'refinery%'";
    const COLUMNS: &str = "pg_attribute c on c.attrelid = r.oid and c.attnum > 0
            and not c.attisdropped";
    let rows =
        |sql: &str| db.rows(&sql.replace("RELATIONS", RELATIONS).replace("COLUMNS", COLUMNS));
    let mut comments = rows(
        "select r.relname, obj_description(r.oid) from RELATIONS where r.relkind in ('r', 'v')
             and obj_description(r.oid) is not null
         union all
         select r.relname || '.' || c.attname, col_description(r.oid, c.attnum)
         from RELATIONS join COLUMNS
         where r.relkind = 'r' and col_description(r.oid, c.attnum) is not null",
    );
    // The server's collation is not Rust's.
    comments.sort();
    let key = "from pg_constraint k join RELATIONS on r.oid = k.conrelid
         cross join unnest(k.conkey, k.confkey) with ordinality as p(own, other, place)
         join pg_attribute c on c.attrelid = r.oid and c.attnum = p.own";
    Catalogue {
        columns: rows(
            "select r.relname, c.attname, c.attnum, c.attnotnull from RELATIONS join COLUMNS
             where r.relkind = 'r' order by r.relname, c.attnum",
        ),
        primary_keys: rows(&format!(
            "select r.relname, c.attname, p.place {key}
             where k.contype = 'p' order by r.relname, p.place"
        )),
        foreign_keys: rows(&format!(
            "select r.relname, c.attname, o.relname, oc.attname, p.place {key}
             join pg_class o on o.oid = k.confrelid
             join pg_attribute oc on oc.attrelid = o.oid and oc.attnum = p.other
             where k.contype = 'f' order by 1, 2, 3"
        )),
        indexes: rows(
            "select x.relname, r.relname, i.indisunique, i.indpred is not null, p.place, c.attname
             from RELATIONS join pg_index i on i.indrelid = r.oid
             join pg_class x on x.oid = i.indexrelid
             cross join unnest(i.indkey::int2[]) with ordinality as p(own, place)
             join pg_attribute c on c.attrelid = r.oid and c.attnum = p.own
             where not exists (select 1 from pg_constraint k where k.conindid = x.oid
                 and k.contype in ('p', 'u'))
             order by x.relname, p.place",
        ),
        views: rows(
            "select r.relname, c.attname, c.attnum from RELATIONS join COLUMNS
             where r.relkind = 'v' order by r.relname, c.attnum",
        ),
        comments,
    }
}
