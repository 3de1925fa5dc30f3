//! An attack that would find nothing proves nothing: here is what it has to find.

use serde_json::{Value, json};

use super::grounds::{Attack, Grounds, Who};
use crate::support::contract::DOCUMENT;

/// The description with something wrong at a place; what was right there is returned to nobody.
fn with(pointer: &str, value: Value) -> Value {
    let mut document = DOCUMENT.clone();
    *document.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer} is in the description")) = value;
    document
}

/// The description without something.
fn without(pointer: &str, name: &str) -> Value {
    let mut document = DOCUMENT.clone();
    let place = document.pointer_mut(pointer).and_then(Value::as_object_mut).expect("an object");
    assert!(place.remove(name).is_some(), "{pointer} has no {name}");
    document
}

const READ: &str = "GET /api/sites/{id}";
const CHANGE: &str = "PUT /api/sites/{id}";
const LIST: &str = "GET /api/groups";
const CREATE: &str = "POST /api/sites";

/// Always the same requests: this judges the attack, and not our luck.
const SEED: u64 = 1;

/// Makes every statement fail that would write certain words into a site.
const PLANTED: &str = "create function planted() returns trigger language plpgsql as $planted$ begin \
     if new::text ~ 'drop table|etc/passwd|script|1=1' then raise exception 'planted'; end if; return new; end $planted$; \
     create trigger planted before insert or update on sites for each row execute function planted()";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_on_purpose_is_found() {
    let grounds = Grounds::prepare(Who::SuperAdmin).await;
    let words = |operation| Attack::words_for(SEED, &[operation]);
    let few = |operation| Attack { is_whole: false, words: 5, ..words(operation) };
    let made_up = |phase, examples, operation| Attack::made_up_for(SEED, phase, examples, &[operation]);

    // As it is, nothing is found.
    let found = grounds.attack("right", &words(READ)).await;
    assert!(found.failures.is_empty(), "{}", found.excerpt());
    assert!(found.count(|status| status == 404) > 0, "an id of nothing was asked for");

    let no_404 = Some(without("/paths/~1api~1sites~1{id}/get/responses", "404"));
    let wrong_type = Some(with("/components/schemas/SiteView/properties/site_name/type", json!("integer")));
    let html = with("/paths/~1api~1groups/get/responses/200/content", json!({"text/html": {"schema": {}}}));
    let stricter = Some(with("/components/schemas/NewSite/properties/site_name/maxLength", json!(3)));
    let one_site = vec![READ.to_owned()];
    let named = vec![grounds.world.tenants[0].word.to_owned()];
    for (name, attack, said) in [
        ("status", Attack { document: no_404.clone(), ..words(READ) }, "Undocumented status code"),
        ("status-2", Attack { document: no_404, ..made_up("fuzzing", 30, READ) }, "Undocumented status code"),
        ("schema", Attack { document: wrong_type, ..few(READ) }, "Response violates schema"),
        ("type", Attack { document: Some(html), ..few(LIST) }, "Undocumented Content-Type"),
        ("accepted", Attack { document: stricter.clone(), ..few(CREATE) }, "what does not fit its schema was accepted"),
        (
            "accepted-2",
            Attack { document: stricter, ..made_up("coverage", 1, CREATE) },
            "Schema-violating request accepted",
        ),
        ("right", Attack { forbidden: one_site, ..few(READ) }, "succeeded in GET /api/sites/{id}"),
        ("tenant", Attack { unread: named, ..few(LIST) }, "super_admin reads zyx"),
    ] {
        let found = grounds.attack(&format!("wrong-{name}"), &attack).await;
        assert!(found.excerpt().contains(said), "{name} was not found; instead:\n{}", found.excerpt());
    }

    // A failure that only one of the words reaches, behind every check of a form.
    grounds.db.owner().await.batch_execute(PLANTED).await.expect("the owner may");
    for (name, attack) in [("planted", words(CHANGE)), ("planted-2", made_up("fuzzing", 150, CREATE))] {
        let found = grounds.attack(name, &attack).await;
        assert!(found.excerpt().contains("Server error"), "{name} was not found; instead:\n{}", found.excerpt());
    }
}
