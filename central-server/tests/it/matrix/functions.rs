//! What runs with the rights of the tables' owner, whom no policy holds back: each such function, and why it may.

use neopro_central::db::{self, Scalar, Scope, query};
use neopro_central::ids::UserId;
use uuid::Uuid;

use super::world::{Tenant, World};
use crate::support::TestApp;

/// Every function of the owner's rights that the application may call, and what holds it back. One that stands in no row
/// fails: what would a tenant get by it?
const OWNERS: &[(&str, &str)] = &[
    ("neopro_audit_people", "asks for a reader of the journal"),
    ("neopro_change_password", "the caller's own, if he has compared it"),
    ("neopro_check_session", "raises, or tells nothing"),
    ("neopro_check_token", "raises, or tells nothing"),
    ("neopro_cut_audit", "what is older than two years, and says so in the journal"),
    ("neopro_database_size", "a number of bytes"),
    ("neopro_enqueue", "asks `neopro_acts_for`"),
    ("neopro_issue_link", "asks `neopro_acts_for`"),
    ("neopro_mfa_grace", "a date, of a role and another date"),
    ("neopro_reads_audit", "says whether the caller reads the journal"),
    ("neopro_seal_audit", "tells hashes and counts"),
    ("neopro_set_language", "the caller's own"),
    ("neopro_tenant_sites", "those of the transaction's tenant"),
];

async fn texts(app: &TestApp, scope: Scope, sql: &str) -> Result<Vec<String>, db::Error> {
    let rows = app.pool().run(scope, None, query(sql.to_owned()).all::<Scalar<String>>()).await?;
    Ok(rows.into_iter().map(|Scalar(text)| text).collect())
}

#[tokio::test]
async fn every_function_with_the_owners_rights_has_a_row() {
    let app = TestApp::new().await;
    let sql = "select p.proname::text from pg_proc p where p.pronamespace = 'public'::regnamespace and p.prosecdef \
         and has_function_privilege('neopro_app', p.oid, 'execute') order by 1";
    let rows = app.db.owner().await.query(sql, &[]).await.expect("the catalogue");
    let there: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let declared: Vec<&str> = OWNERS.iter().map(|(name, _)| *name).collect();
    assert_eq!(there, declared);
    // Whoever can put something before the search path of such a function decides what it does.
    let sql = "select p.proname::text from pg_proc p where p.pronamespace = 'public'::regnamespace and p.prosecdef \
         and not coalesce('search_path=public, pg_temp' = any (p.proconfig), false)";
    let open = app.db.owner().await.query(sql, &[]).await.expect("the catalogue");
    assert!(open.is_empty(), "{} functions search where others write", open.len());
}

/// A statement of somebody's who wants into the account of another.
fn attempts(person: Uuid) -> [String; 2] {
    [
        format!("select neopro_issue_link('{person}', 'reset', 'hash', now() + interval '1 day', now())::text"),
        format!("select neopro_enqueue(gen_random_uuid(), 'mail', '{person}', 'sealed', now(), now())::text"),
    ]
}

#[tokio::test]
async fn nobody_gets_into_an_account_of_anothers_by_a_function() {
    let app = TestApp::new().await;
    let world = World::build(&app).await;
    app.token("super_admin").await;
    let owner = app.db.owner().await;
    let people: Vec<Uuid> =
        owner.query("select id from users", &[]).await.expect("people").iter().map(|row| row.get(0)).collect();
    let count = async || -> i64 {
        let sql = "select (select count(*) from password_links) + (select count(*) from jobs)";
        owner.query_one(sql, &[]).await.expect("a count").get(0)
    };
    let before = count().await;
    let staff = Scope::Staff(UserId::new());
    let callers = world.tenants.iter().map(|tenant| (tenant.scope(), Some(tenant.clubs[0]["users"])));
    for (scope, own) in callers.chain([(staff, None)]) {
        for person in people.iter().filter(|person| Some(**person) != own) {
            for attempt in attempts(*person) {
                let error = texts(&app, scope, &attempt).await.expect_err(&attempt);
                assert!(error.to_string().contains("permission denied"), "{attempt}: {error}");
            }
        }
    }
    assert_eq!(count().await, before, "no link, no mail");
    // The control: the server itself may.
    for attempt in attempts(people[0]) {
        texts(&app, Scope::System, &attempt).await.expect("the server may");
    }
}

#[tokio::test]
async fn functions_tell_a_tenant_of_its_own_alone() {
    let app = TestApp::new().await;
    let world = World::build(&app).await;
    for tenant in &world.tenants {
        let sites = texts(&app, tenant.scope(), "select id::text from neopro_tenant_sites() id order by 1").await;
        let mut own: Vec<String> = tenant.sites().iter().map(Uuid::to_string).collect();
        own.sort();
        assert_eq!(sites.expect("sites"), own, "{}", tenant.word);
        let people = "select email from neopro_audit_people(array(select id from users), '')";
        assert_eq!(texts(&app, tenant.scope(), people).await.expect("nobody"), [""; 0]);
        changes_only_its_own(&app, tenant).await;
    }
}

async fn changes_only_its_own(app: &TestApp, tenant: &Tenant) {
    let owner = app.db.owner().await;
    let sql = "select count(*) from users where id <> $1 and language = 'es'";
    let others = async || -> i64 { owner.query_one(sql, &[&tenant.clubs[0]["users"]]).await.expect("a count").get(0) };
    let before = others().await;
    texts(app, tenant.scope(), "select coalesce(neopro_set_language('es')::text, '')").await.expect("its own");
    let hash = "select neopro_change_password(password_hash, 'x', gen_random_uuid(), now())::text from users";
    texts(app, tenant.scope(), hash).await.expect("its own, which is all that it sees");
    assert_eq!(others().await, before);
    let changed: i64 =
        owner.query_one("select count(*) from users where password_hash = 'x'", &[]).await.expect("a count").get(0);
    assert_eq!(changed, 1, "{}", tenant.word);
    owner.batch_execute("update users set password_hash = 'y' where password_hash = 'x'").await.expect("back");
}
