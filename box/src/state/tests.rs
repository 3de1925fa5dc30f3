//! What is remembered, and what happens to it when the disk lies.

use neopro_protocol::DriftKind;

use super::*;
use crate::files::tests::scratch;

/// A name, and what is done to the file.
type Damage<'a> = (&'a str, &'a dyn Fn(&Path));

fn open(folder: &Path) -> Opened {
    Opened::open(folder, Some("site")).expect("the state opens")
}

fn desired(revision: i64) -> Arc<Desired> {
    Arc::new(Desired { revision, ..Desired::default() })
}

#[tokio::test]
async fn a_smaller_revision_changes_nothing() {
    let opened = open(&scratch("state-revision"));
    let state = &opened.state;
    assert_eq!(state.wanted().await.expect("read"), Wanted::default());
    assert_eq!(state.keep_desired(desired(5)).await.expect("kept"), 5);
    assert_eq!(state.keep_desired(desired(4)).await.expect("kept"), 5);
    let other = Desired { revision: 5, software: Some("2".into()), ..Desired::default() };
    assert_eq!(state.keep_desired(Arc::new(other)).await.expect("kept"), 5);
    assert_eq!(state.wanted().await.expect("read").desired, *desired(5));
}

#[tokio::test]
async fn everything_is_there_after_a_restart_and_another_site_starts_with_nothing() {
    let folder = scratch("state-restart");
    let opened = open(&folder);
    let record = Record { reason: Some(Reason::DiskFull), etag: Some("\"a\"".into()), ..Record::pending(7, 2) };
    let quarantined = Quarantined { mark: "1".into(), reason: "decode".into() };
    let drift = Drift { kind: DriftKind::Missing, name: "a.mp4".into() };
    let sequence = {
        let state = opened.state.clone();
        state.keep_desired(desired(3)).await.expect("kept");
        state.keep_origins(vec!["https://a".into()]).await.expect("kept");
        state.keep_record("ab".into(), record.clone()).await.expect("kept");
        state.set_quarantine("k".into(), Some(quarantined.clone())).await.expect("kept");
        state.note_drift(vec![drift.clone(), drift.clone()]).await.expect("kept");
        state.keep_place(serde_json::json!({"at": 1})).await.expect("kept");
        state.keep_mirrored("hash".into()).await.expect("kept");
        state.next_sequence().await
    };
    opened.close();
    let opened = open(&folder);
    {
        let state = opened.state.clone();
        let wanted = state.wanted().await.expect("read");
        assert_eq!((wanted.desired.revision, wanted.origins), (3, vec!["https://a".to_owned()]));
        assert_eq!(state.records().await.expect("read"), [("ab".to_owned(), record)]);
        assert_eq!(state.quarantine().await.expect("read"), [("k".to_owned(), quarantined)]);
        let noted = state.drift().await.expect("read");
        assert_eq!(noted.iter().map(|noted| &noted.drift).collect::<Vec<_>>(), [&drift]);
        state.drift_reported(noted[0].number).await.expect("forgotten");
        assert!(state.drift().await.expect("read").is_empty());
        assert_eq!(state.place().await.expect("read"), Some(serde_json::json!({"at": 1})));
        assert_eq!(state.mirrored().await.expect("read").as_deref(), Some("hash"));
        assert!(state.next_sequence().await > sequence);
        assert!(opened.set_aside.is_none() && opened.forgetful.is_none());
    }
    opened.close();
    let opened = Opened::open(&folder, Some("another")).expect("opens");
    assert_eq!(opened.state.wanted().await.expect("read"), Wanted::default());
    assert_eq!(opened.state.records().await.expect("read").len(), 1, "what is on the disk stays known");
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_set_aside() {
    let text = |path: &Path| std::fs::write(path, "this is no database, and longer than a header").expect("written");
    let torn = |path: &Path| {
        let mut bytes = std::fs::read(path).expect("the file");
        bytes[4096..].fill(0x5a);
        std::fs::write(path, bytes).expect("written");
    };
    let later = |path: &Path| {
        let later = Connection::open(path).expect("opens");
        later.execute_batch("pragma user_version = 99").expect("set");
    };
    let damages: [Damage<'_>; 3] = [("state-text", &text), ("state-torn", &torn), ("state-later", &later)];
    for (name, damage) in damages {
        let folder = scratch(name);
        let opened = open(&folder);
        let sequence = opened.state.next_sequence().await;
        opened.close();
        damage(&folder.join(FILE));
        let opened = open(&folder);
        assert!(opened.set_aside.as_ref().is_some_and(|path| path.exists()), "{name}");
        assert_eq!(opened.state.keep_desired(desired(1)).await.expect("kept"), 1, "{name}");
        assert!(opened.state.next_sequence().await >= sequence, "{name}: reports go on counting");
        opened.close();
        assert!(open(&folder).set_aside.is_none(), "{name}");
    }
}

#[tokio::test]
async fn what_was_kept_is_remembered_when_nothing_can_be_kept_any_more() {
    let folder = scratch("state #1? 100%");
    let opened = open(&folder);
    opened.state.keep_desired(desired(7)).await.expect("kept");
    opened.state.keep_record("ab".into(), Record::pending(7, 2)).await.expect("kept");
    opened.close();
    // SQLite cannot write its journal.
    std::fs::create_dir(folder.join("state.sqlite-wal")).expect("a folder");
    let opened = open(&folder);
    assert!(opened.forgetful.is_some());
    assert_eq!(opened.state.wanted().await.expect("read").desired.revision, 7);
    assert_eq!(opened.state.records().await.expect("read").len(), 1);
    assert_eq!(opened.state.keep_desired(desired(8)).await.expect("kept for now"), 8);
}

#[tokio::test]
async fn a_disk_that_cannot_be_written_leaves_the_box_running() {
    let folder = scratch("state-nowhere").join("file");
    std::fs::write(&folder, "").expect("a file where a folder should be");
    let opened = open(&folder);
    assert!(opened.forgetful.is_some());
    assert_eq!(opened.state.keep_desired(desired(1)).await.expect("kept"), 1);
}

#[tokio::test]
async fn what_cannot_be_understood_is_kept_anew() {
    let folder = scratch("state-words");
    let opened = open(&folder);
    let state = opened.state.clone();
    state.keep_desired(desired(7)).await.expect("kept");
    for sha256 in ["a", "b"] {
        state.keep_record(sha256.into(), Record::pending(1, 0)).await.expect("kept");
    }
    state.note_drift(vec![Drift { kind: DriftKind::Missing, name: "c".into() }]).await.expect("noted");
    state.next_sequence().await;
    drop(state);
    opened.close();
    let later = Connection::open(folder.join(FILE)).expect("opens");
    let words = "update document set json = '{\"revision\":'; update file set state = 'woven' where sha256 = 'a';
        update file set reason = 'moon'; update drift set kind = 'sung';";
    later.execute_batch(words).expect("changed");
    drop(later);
    let opened = open(&folder);
    let state = opened.state.clone();
    assert!(opened.set_aside.is_none() && opened.forgetful.is_none());
    assert_eq!(state.wanted().await.expect("read"), Wanted::default());
    assert_eq!(state.keep_desired(desired(7)).await.expect("kept"), 7, "the server says it again");
    assert_eq!(state.wanted().await.expect("read").desired.revision, 7);
    let known = Record { reason: Some(Reason::Other), ..Record::pending(1, 0) };
    let strange = Record { state: ItemState::Other, ..known.clone() };
    assert_eq!(state.records().await.expect("read"), [("a".to_owned(), strange), ("b".to_owned(), known)]);
    assert!(state.drift().await.expect("read").is_empty());
    assert!(state.next_sequence().await > 0);
}

#[tokio::test]
async fn a_card_that_cannot_note_the_site_leaves_the_box_running() {
    let folder = scratch("state-site");
    let opened = open(&folder);
    opened.state.keep_desired(desired(7)).await.expect("kept");
    opened.close();
    let stubborn = Connection::open(folder.join(FILE)).expect("opens");
    stubborn
        .execute_batch(
            "create trigger full before update on document begin select raise(abort, 'the card is full'); end",
        )
        .expect("made");
    drop(stubborn);
    let opened = Opened::open(&folder, Some("another")).expect("opens");
    assert!(opened.forgetful.as_ref().is_some_and(|why| why.contains("the card is full")), "{:?}", opened.forgetful);
    assert_eq!(opened.state.wanted().await.expect("read"), Wanted::default(), "it is another site");
    assert_eq!(opened.state.keep_desired(desired(1)).await.expect("kept for now"), 1);
}
