//! What somebody changes who may do everything in the database: found, and where it is not, said.

use neopro_central::audit::seals::{Break, Known, Report};
use tokio_postgres::Client;

use super::{breaks, journal, seal, verified, write};
use crate::support::{Cluster, TestDb};

/// Nine entries in three seals: the one that is looked at is in the middle.
const ENTRIES: i64 = 9;
const MIDDLE: i64 = 5;

/// Runs SQL as the owner, and verifies.
async fn after(sql: &str) -> Report {
    let (db, owner) = journal(ENTRIES).await;
    owner.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    verified(&db.pool(1), &[]).await
}

fn first(report: &Report) -> &Break {
    report.breaks.first().expect("something is broken")
}

/// The columns of a table, and their types.
async fn columns(owner: &Client, table: &str) -> Vec<(String, String)> {
    let sql = "select column_name::text, data_type::text from information_schema.columns where table_name = $1";
    let rows = owner.query(sql, &[&table]).await.expect("the catalogue");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Another value of a type, whatever the value is.
fn another(column: &str, kind: &str) -> String {
    match kind {
        "uuid" => "gen_random_uuid()".into(),
        "text" => format!("coalesce({column}, '') || 'x'"),
        "jsonb" => format!("coalesce({column}, '{{}}') || '{{\"x\": 1}}'"),
        "bytea" => format!("coalesce({column}, '') || '\\x00'"),
        "bigint" => format!("{column} + 1000"),
        "boolean" => format!("not {column}"),
        "timestamp with time zone" => format!("{column} + interval '1 microsecond'"),
        other => panic!("no other {other} is known"),
    }
}

#[tokio::test]
async fn an_untouched_journal_is_intact() {
    let (db, owner) = journal(ENTRIES).await;
    write(&owner, 10).await;
    let report = verified(&db.pool(1), &[]).await;
    assert_eq!(report.breaks, []);
    assert_eq!((report.entries, report.seals, report.unsealed.0, report.first), (9, 3, 1, Some(1)));
    assert_eq!(report.last.map(|(seal, entry, ..)| (seal, entry)), Some((3, 9)));
}

#[tokio::test]
async fn every_column_of_an_entry_is_guarded() {
    let (db, owner) = journal(ENTRIES).await;
    let pool = db.pool(1);
    let mut tried = 0;
    for (column, kind) in columns(&owner, "audit_logs").await {
        // Found again by what is not changed.
        let place = match column.as_str() {
            "id" => format!("number = {MIDDLE}"),
            _ => "id = (select id from was)".into(),
        };
        for value in [another(&column, &kind), "null".into()] {
            let copy = format!("create table was as select * from audit_logs where number = {MIDDLE}");
            owner.batch_execute(&copy).await.expect("a copy");
            let tamper =
                format!("update audit_logs set {column} = {value} where {place} and {column} is distinct from {value}");
            // What must not be null cannot be made so; what is null already is no change.
            if owner.execute(&tamper, &[]).await.is_ok_and(|rows| rows == 1) {
                let report = verified(&pool, &[]).await;
                assert_eq!(first(&report).entry, Some(MIDDLE), "{column} = {value}: {:?}", report.breaks);
                tried += 1;
            }
            let back =
                format!("update audit_logs set {column} = (select {column} from was) where {place}; drop table was");
            owner.batch_execute(&back).await.expect("as it was");
            assert_eq!(breaks(&pool).await, [""; 0], "{column} is as it was");
        }
    }
    assert!(tried >= 40, "only {tried} changes were tried");
}

#[tokio::test]
async fn every_column_of_a_seal_is_guarded() {
    let (db, owner) = journal(ENTRIES).await;
    for (column, kind) in columns(&owner, "audit_seals").await {
        owner.batch_execute("create table was as select * from audit_seals").await.expect("a copy");
        let tamper = format!("update audit_seals set {column} = {} where number = 2", another(&column, &kind));
        assert_eq!(owner.execute(&tamper, &[]).await.expect("the owner may"), 1, "{column}");
        let report = verified(&db.pool(1), &[]).await;
        assert!(report.breaks.iter().all(|found| found.entry >= Some(4)), "{column}: {:?}", report.breaks);
        assert!(report.broken > 0, "{column}");
        let back = "delete from audit_seals; insert into audit_seals select * from was; drop table was";
        owner.batch_execute(back).await.expect("as it was");
        assert_eq!(breaks(&db.pool(1)).await, [""; 0]);
    }
}

#[tokio::test]
async fn a_deleted_entry_is_missed_by_its_number() {
    for number in [1, MIDDLE, ENTRIES] {
        let report = after(&format!("delete from audit_logs where number = {number}")).await;
        assert_eq!((first(&report).entry, report.broken), (Some(number), 1), "{:?}", report.breaks);
        assert!(first(&report).what.starts_with("manque"));
    }
    let report = after("delete from audit_logs where number between 3 and 7").await;
    assert_eq!(first(&report).entry, Some(3));
    let report = after("delete from audit_logs").await;
    assert_eq!((first(&report).entry, report.broken), (Some(1), 3), "three seals over nothing");
}

#[tokio::test]
async fn two_entries_that_are_swapped_are_both_found() {
    let report = after(
        "update audit_logs set number = -number where number in (4, 8); \
         update audit_logs set number = 12 + number where number < 0",
    )
    .await;
    let found: Vec<Option<i64>> = report.breaks.iter().map(|found| found.entry).collect();
    assert_eq!(found, [Some(4), Some(4), Some(8), Some(7)], "{:?}", report.breaks);
}

#[tokio::test]
async fn an_entry_that_is_put_into_the_past_is_found() {
    let insert = "insert into audit_logs (action, target_type, created_at, written_at";
    // With a place of its own in the chain, which is taken or none.
    let report = after(&format!("{insert}, number) values ('SITE_DELETED', 'site', now(), now(), 10)")).await;
    assert_eq!(first(&report).entry, Some(10), "{:?}", report.breaks);
    assert!(first(&report).what.contains("qu'aucun sceau ne couvre"));
    let report = after(&format!("{insert}, number) values ('SITE_DELETED', 'site', now(), now(), 0)")).await;
    assert_eq!(first(&report).entry, Some(0), "{:?}", report.breaks);
    let (_, owner) = journal(3).await;
    let taken = format!("{insert}, number) values ('SITE_DELETED', 'site', now(), now(), 2)");
    owner.batch_execute(&taken).await.expect_err("the place is taken");
    // Without one it is sealed as what it is: new. That it says to be old is found.
    for (created, written, words) in [
        ("now() - interval '3 days'", "now()", "antidatée"),
        ("now() - interval '3 days'", "now() - interval '3 days'", "n'existait pas encore"),
        ("now()", "now() - interval '3 days'", "antidatée"),
        ("now() + interval '3 days'", "now()", "antidatée"),
        ("now() - interval '3 days'", "null", "quand elle a été écrite"),
    ] {
        let (db, owner) = journal(ENTRIES).await;
        let forged = format!("{insert}) values ('SITE_DELETED', 'site', {created}, {written})");
        owner.batch_execute(&forged).await.expect("the owner may");
        seal(&db.pool(1)).await;
        let report = verified(&db.pool(1), &[]).await;
        assert_eq!((first(&report).entry, report.broken), (Some(10), 1), "{created} {written}: {:?}", report.breaks);
        assert!(first(&report).what.contains(words), "{:?}", report.breaks);
    }
}

#[tokio::test]
async fn an_entry_whose_hash_is_made_to_fit_breaks_its_seal() {
    let (db, owner) = journal(ENTRIES).await;
    owner
        .batch_execute(&format!("update audit_logs set action = 'LIE' where number = {MIDDLE}; {REHASH}"))
        .await
        .expect("the owner may");
    let report = verified(&db.pool(1), &[]).await;
    assert_eq!((first(&report).entry, report.broken), (Some(4), 1), "{:?}", report.breaks);
    assert!(first(&report).what.starts_with("le sceau 2 (entrées 4 à 6)"), "{:?}", report.breaks);
}

#[tokio::test]
async fn the_beginning_cannot_be_cut_off_without_a_word() {
    let report = after("delete from audit_logs where number <= 3; delete from audit_seals where number = 1").await;
    assert!(first(&report).what.contains("sans qu'une coupe soit notée"), "{:?}", report.breaks);
    let report =
        after("delete from audit_logs where number between 4 and 6; delete from audit_seals where number = 2").await;
    assert!(first(&report).what.contains("entre le sceau 1 et le sceau 3"), "{:?}", report.breaks);
}

/// What a chain alone cannot show, and what shows it: a seal that was noted elsewhere.
#[tokio::test]
async fn a_tail_that_is_cut_off_is_found_by_a_seal_that_was_noted() {
    let (db, owner) = journal(ENTRIES).await;
    let pool = db.pool(1);
    let noted = seal(&pool).await;
    assert_eq!(noted.seal, 3);
    owner.batch_execute("delete from audit_logs where number > 6").await.expect("the owner may");
    assert_eq!(first(&verified(&pool, &[]).await).entry, Some(7), "entries alone are missed by their seal");
    owner.batch_execute("delete from audit_seals where number = 3").await.expect("the owner may");
    assert_eq!(breaks(&pool).await, [""; 0], "what is left is a whole chain");
    let report = verified(&pool, std::slice::from_ref(&noted)).await;
    assert!(first(&report).what.starts_with("le sceau 3, qui a été noté, manque"), "{:?}", report.breaks);
    // And the journal goes on: another seal 3.
    write(&owner, 10).await;
    seal(&pool).await;
    assert_eq!(breaks(&pool).await, [""; 0]);
    let report = verified(&pool, std::slice::from_ref(&noted)).await;
    assert!(first(&report).what.contains("n'est pas celui qui a été noté"), "{:?}", report.breaks);
}

/// Who owns the database can make another chain over another past.
#[tokio::test]
async fn a_chain_that_is_made_anew_is_found_by_a_seal_that_was_noted() {
    let (db, owner) = journal(ENTRIES).await;
    let pool = db.pool(1);
    let noted = seal(&pool).await;
    let forgery = format!("update audit_logs set action = 'LIE' where number = {MIDDLE}; {REHASH}; {RESEAL}");
    owner.batch_execute(&forgery).await.expect("the owner may");
    assert_eq!(breaks(&pool).await, [""; 0], "the forgery is complete");
    let report = verified(&pool, &[Known { seal: 2, hash: noted.hash.clone() }]).await;
    assert_eq!(report.broken, 1, "{:?}", report.breaks);
    let report = verified(&pool, &[noted]).await;
    assert!(first(&report).what.contains("le journal a été récrit"), "{:?}", report.breaks);
}

/// Makes the hashes of the entries fit what they are now.
const REHASH: &str = "update audit_logs a set entry_hash = sha256('neopro audit entry v1'::bytea \
      || neopro_audit_field(number::text) || neopro_audit_field(id::text) || neopro_audit_field(action) \
      || neopro_audit_field(user_id::text) || neopro_audit_field(target_type) || neopro_audit_field(target_id) \
      || neopro_audit_field(details::text) || neopro_audit_field(before::text) || neopro_audit_field(after::text) \
      || neopro_audit_field(session_id::text) || neopro_audit_field(token_id::text) \
      || neopro_audit_moment(created_at) || neopro_audit_moment(written_at) || actor_hash || personal_hash)";

/// Makes the seals fit their entries, each behind the one before it.
pub(super) const RESEAL: &str = "do $$ declare s audit_seals; before bytea := decode(repeat('00', 32), 'hex'); begin \
      for s in select * from audit_seals order by number loop \
        update audit_seals t set previous = before, hash = sha256('neopro audit seal v1'::bytea || before \
          || neopro_audit_field(s.number::text) || neopro_audit_field(s.first_entry::text) \
          || neopro_audit_field(s.last_entry::text) || neopro_audit_moment(s.sealed_at) \
          || neopro_audit_field(s.is_full::text) || (select string_agg(entry_hash, ''::bytea order by number) \
            from audit_logs where number between s.first_entry and s.last_entry)) \
        where t.number = s.number returning t.hash into before; \
      end loop; end $$";

/// A journal as it would be had everything been written that many months ago.
pub(super) async fn age(owner: &Client, months: i32, up_to_seal: i64) {
    owner
        .batch_execute(&format!(
            "update audit_logs set created_at = created_at - interval '{months} months', \
               written_at = written_at - interval '{months} months' \
             where number <= (select last_entry from audit_seals where number = {up_to_seal}); \
             update audit_seals set sealed_at = sealed_at - interval '{months} months' where number <= {up_to_seal}; \
             {REHASH}; {RESEAL}"
        ))
        .await
        .expect("the owner may");
}

#[tokio::test]
async fn the_application_adds_and_reads_and_nothing_else() {
    let db: TestDb = Cluster::get().migrated().await;
    let owner = db.owner().await;
    write(&owner, 1).await;
    seal(&db.pool(1)).await;
    owner
        .batch_execute("set role neopro_app; select set_config('neopro.scope', 'system', false)")
        .await
        .expect("the application's role");
    let seen = owner.query_one("select count(*) from audit_logs", &[]).await.expect("it reads");
    assert_eq!(seen.get::<_, i64>(0), 1);
    owner.batch_execute("insert into audit_logs (action) values ('X')").await.expect("it adds");
    for table in ["audit_logs", "audit_seals"] {
        let own = Cluster::get().admin(&db.name).await;
        for (column, _) in columns(&own, table).await {
            refused(&owner, &format!("update {table} set {column} = {column}")).await;
        }
        refused(&owner, &format!("delete from {table}")).await;
        refused(&owner, &format!("truncate {table}")).await;
        refused(&owner, &format!("alter table {table} disable row level security")).await;
        refused(&owner, &format!("drop table {table}")).await;
    }
    for forged in [
        "insert into audit_logs (action, number) values ('X', 7)",
        "insert into audit_logs (action, written_at) values ('X', '2020-01-01')",
        "insert into audit_logs (action, entry_hash) values ('X', '')",
        "insert into audit_logs (action, actor_erased_by) values ('X', gen_random_uuid())",
        "insert into audit_seals values (9, 9, 9, '', '', now(), false)",
        "insert into audit_logs (id, action) select id, 'X' from audit_logs on conflict (id) do update set action = 'X'",
        "select neopro_erase_person(gen_random_uuid(), null, null, now())",
    ] {
        refused(&owner, forged).await;
    }
    // It may have old entries forgotten, and nothing that is younger than two years, whatever it says.
    let cut = owner.query("select * from neopro_cut_audit('infinity', 1000000, now())", &[]).await.expect("it may ask");
    assert!(cut.is_empty());
    owner.batch_execute("reset role").await.expect("the owner again");
    assert_eq!(breaks(&db.pool(1)).await, [""; 0]);
}

async fn refused(client: &Client, sql: &str) {
    let error = client.batch_execute(sql).await.expect_err(sql);
    let code = error.code().map(|code| code.code().to_owned());
    assert_eq!(code.as_deref(), Some("42501"), "{sql}: {error:?}");
}
