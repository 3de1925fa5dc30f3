//! What stands on the channel of Redis: messages of replicas, and of whoever else can write there.

use neopro_central::replicas::hints::{Hints, LONGEST, LONGEST_READ, Named, Topic, Unread};

use crate::memory;

/// JSON of little weight in bytes: a list of empty lists. What is read at all is short.
const FACTOR: usize = 64;
/// What any message may hold: maps and sets that are there before anything is in them.
const FREE: usize = 65_536;

/// A message is understood or it is not; what was understood can be said again in a bounded message that says at least as
/// much.
pub fn read(bytes: &[u8]) {
    let outcome = memory::within(FREE + FACTOR * bytes.len().min(LONGEST_READ), || Hints::read(bytes));
    if bytes.len() > LONGEST_READ {
        assert_eq!(outcome, Err(Unread::Long));
    }
    let Ok((from, hints)) = outcome else { return };
    let again = hints.clone().write(from);
    assert!(again.len() <= LONGEST, "{}", again.len());
    let (whose, heard) = Hints::read(&again).expect("our own words");
    assert_eq!(whose, from);
    assert_eq!(heard.is_empty(), hints.is_empty());
    for topic in [Topic::Work, Topic::Sites, Topic::Progress, Topic::Keys, Topic::Seats] {
        if heard.about(topic) != Some(&Named::All) {
            assert_eq!(heard.about(topic), hints.about(topic), "{topic:?}");
        }
    }
    // Neither is anything named that was not.
    assert!(heard.changes().len() <= hints.changes().len() + 2);
}

/// All tokens may be over.
pub fn planted(bytes: &[u8]) -> bool {
    Hints::read(bytes).is_ok_and(|(_, hints)| hints.about(Topic::Tokens) == Some(&Named::All))
}
