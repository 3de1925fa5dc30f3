//! Injection into everything that can be said: schemathesis makes requests up from the server's own description, and puts
//! words that mean harm wherever a text may stand (`tests/py`). Whoever asks, each answer is one that the description
//! knows, nothing fails within, and nothing is left behind that should not be there.
//!
//! The server runs as it does in production, but for two settings: its limits of calls are off, as for those who measure,
//! and it stands behind a proxy, so that each request comes from another address and guesses are not counted together.
//!
//! Without `NEOPRO_ATTACK=whole` the run is a slice: a few words at each place, and requests made up for a few
//! operations, others each time. `NEOPRO_SEED` repeats one.

mod controls;
mod grounds;
mod traces;

use std::collections::BTreeSet;

use crate::matrix::rights::{PUBLIC, may, opened_by, scopes};
use crate::pooler::{self, Random};
use crate::support::contract::operations;
use grounds::{Attack, Grounds, Who};

/// Of a slice: how many words each place gets, and for how many operations requests are made up. One of the callers has
/// all rights, so that what it says gets furthest.
struct Slice {
    words: usize,
    made_up: usize,
    examples: usize,
    seconds: u64,
}

/// Every operation of the description.
fn labels() -> Vec<String> {
    operations().into_iter().map(|(path, method, _)| format!("{method} {path}")).collect()
}

/// So many of them, others for each seed.
fn some(mut labels: Vec<String>, number: usize, random: &mut Random) -> Vec<String> {
    while labels.len() > number {
        labels.swap_remove(random.below(labels.len() as u64) as usize);
    }
    labels
}

/// Whether there is time for more than a slice.
fn is_whole() -> bool {
    match std::env::var("NEOPRO_ATTACK").as_deref() {
        Err(_) => false,
        Ok("whole") => true,
        Ok(other) => panic!("NEOPRO_ATTACK is `whole` or nothing, not {other}"),
    }
}

/// The slice goes one way as long as nobody asks for another, so that a fault in it is that of a change; the whole goes
/// a new way each time.
fn seed() -> u64 {
    match std::env::var_os("NEOPRO_SEED").is_some() || is_whole() {
        true => pooler::seed(),
        false => 20_261_126,
    }
}

/// Attacks as this caller, and looks at everything that is to hold.
async fn attack_as(who: Who, slice: Slice) {
    let seed = seed();
    println!("attack as {}: NEOPRO_SEED={seed}", who.name());
    let mut random = Random::seeded(seed);
    let grounds = Grounds::prepare(who).await;
    grounds.has_come_to_rest().await;
    let before = traces::Traces::of(&grounds).await;

    let mut attack = Attack::new(seed);
    attack.words = slice.words;
    attack.examples = slice.examples;
    attack.seconds = slice.seconds;
    attack.phases = vec!["examples", "coverage", "fuzzing", "stateful"];
    attack.forbidden = forbidden(who);
    attack.made_up = Some(some(labels(), slice.made_up, &mut random));
    if is_whole() {
        // Every word at every place is for whoever gets furthest.
        attack.is_whole = who == Who::SuperAdmin;
        attack.words *= 4;
        (attack.made_up, attack.examples) = (None, 100);
        attack.seconds = if attack.is_whole { 900 } else { 180 };
    }
    let found = grounds.attack("all", &attack).await;
    found.print(who.name());
    assert!(
        found.failures.is_empty(),
        "NEOPRO_SEED={seed}, as {}: {} findings\n{}",
        who.name(),
        found.failures.len(),
        found.excerpt()
    );

    // Every operation was reached, and not only its limits.
    let reached: BTreeSet<String> = found.answered(|status| status != 429).collect();
    let missed: Vec<String> = labels().into_iter().filter(|label| !reached.contains(label)).collect();
    assert!(missed.is_empty(), "nobody attacked {missed:?}");
    let (limited, all) = (found.count(|status| status == 429), found.count(|_| true));
    assert!(limited * 20 < all, "{limited} of {all} answers were limits of guesses");
    // What has no right to an act does not succeed in it: a check of each answer. Here, that the rest did.
    for label in who.succeeds_in() {
        assert!(found.answered(|status| status < 300).any(|known| known == *label), "{label} never succeeded");
    }
    let enders: Vec<&String> = found.ended.keys().filter(|label| !ENDS_SESSIONS.contains(&label.as_str())).collect();
    assert!(enders.is_empty(), "these end the session of whoever calls them: {enders:?}");

    before.compare(&grounds, who).await;
    grounds.is_well().await;
}

/// What may end the session with which it is called.
const ENDS_SESSIONS: [&str; 4] = [
    "POST /api/auth/logout",
    "DELETE /api/auth/sessions",
    "DELETE /api/auth/sessions/{id}",
    "POST /api/auth/change-password",
];

/// What this caller must never succeed in, by the table of rights.
fn forbidden(who: Who) -> Vec<String> {
    let is_forbidden = |label: &String| {
        let is_public = PUBLIC.contains(&label.as_str());
        match who {
            _ if is_public => false,
            Who::Nobody | Who::Box => true,
            Who::Token(scope) => opened_by(label) != Some(scope),
            Who::SuperAdmin | Who::Viewer | Who::Agency => !may(who.role(), label),
        }
    };
    labels().into_iter().filter(is_forbidden).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_super_admin_with_bad_intentions() {
    attack_as(Who::SuperAdmin, Slice { words: 2, made_up: 12, examples: 8, seconds: 25 }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_with_bad_intentions() {
    attack_as(Who::Viewer, Slice { words: 1, made_up: 4, examples: 4, seconds: 8 }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agency_with_bad_intentions() {
    attack_as(Who::Agency, Slice { words: 1, made_up: 4, examples: 4, seconds: 8 }).await;
}

/// Of the scopes one each time, by the seed; the whole takes each in turn.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_in_bad_hands() {
    let scopes: Vec<&'static str> = scopes().into_iter().map(|scope| &*scope.leak()).collect();
    assert_eq!(scopes.len(), 5, "{scopes:?}");
    let chosen = if is_whole() { scopes } else { vec![*Random::seeded(seed()).of(&scopes)] };
    for scope in chosen {
        attack_as(Who::Token(scope), Slice { words: 1, made_up: 4, examples: 4, seconds: 8 }).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_key_of_a_box_in_bad_hands() {
    attack_as(Who::Box, Slice { words: 1, made_up: 4, examples: 2, seconds: 8 }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_with_bad_intentions() {
    attack_as(Who::Nobody, Slice { words: 1, made_up: 4, examples: 2, seconds: 8 }).await;
}
