//! What a simulated box has and is to have. It has a memory and no disk: it does not crash.

use std::collections::{BTreeMap, BTreeSet};

use neopro_protocol::{Desired, Item, ItemState, Media, Reason};

/// The files of a box, by their SHA-256.
#[derive(Debug, Default)]
pub(super) struct Stock {
    desired: Desired,
    files: BTreeMap<String, File>,
}

#[derive(Debug, Default)]
struct File {
    state: State,
    bytes: u64,
    /// How many times it was begun.
    attempts: u32,
    /// Which try that a person asked for was begun last.
    attempt: u32,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Waiting,
    Coming,
    There,
    GivenUp(Reason),
}

impl Stock {
    /// The revision that is worked from.
    pub fn revision(&self) -> i64 {
        self.desired.revision
    }

    /// Takes over what the server wants, if it is news: the files that were there and are gone now.
    pub fn take_over(&mut self, desired: Desired) -> Option<Vec<String>> {
        if desired.revision <= self.desired.revision {
            return None;
        }
        let wanted: BTreeSet<&str> = desired.media.iter().map(|media| media.sha256.as_str()).collect();
        let gone = self.files.extract_if(.., |sha256, _| !wanted.contains(sha256.as_str()));
        let gone = gone.filter(|(_, file)| file.state == State::There).map(|(sha256, _)| sha256).collect();
        for media in &desired.media {
            let file = self.files.entry(media.sha256.clone()).or_default();
            file.bytes = media.bytes;
            if matches!(file.state, State::GivenUp(_)) && file.attempt != media.attempt {
                file.state = State::Waiting;
            }
        }
        self.desired = desired;
        Some(gone)
    }

    /// The SHA-256 of every wanted file.
    pub fn wanted(&self) -> Vec<String> {
        self.desired.media.iter().map(|media| media.sha256.clone()).collect()
    }

    /// Whether a file is on its way for these media: else there is no point in its download.
    pub fn is_coming(&self, media: &Media) -> bool {
        let is_same = |wanted: &&Media| wanted.sha256 == media.sha256 && wanted.url == media.url;
        let is_coming = |file: &File| file.state == State::Coming;
        self.desired.media.iter().any(|wanted| is_same(&wanted)) && self.files.get(&media.sha256).is_some_and(is_coming)
    }

    /// Begins the first file that waits.
    pub fn begin(&mut self) -> Option<Media> {
        let waits = |media: &&Media| self.files.get(&media.sha256).is_some_and(|file| file.state == State::Waiting);
        let media = self.desired.media.iter().find(waits)?.clone();
        let file = self.files.get_mut(&media.sha256)?;
        file.attempts += 1;
        (file.state, file.attempt) = (State::Coming, media.attempt);
        Some(media)
    }

    /// Notes that a file is there, or why it is given up.
    pub fn settle(&mut self, sha256: &str, outcome: Result<(), Reason>) {
        if let Some(file) = self.files.get_mut(sha256) {
            file.state = outcome.map_or_else(State::GivenUp, |()| State::There);
        }
    }

    /// Puts a file that was on its way back to those that wait.
    pub fn call_off(&mut self, sha256: &str) {
        if let Some(file) = self.files.get_mut(sha256).filter(|file| file.state == State::Coming) {
            file.state = State::Waiting;
        }
    }

    /// The SHA-256 of every file that is there.
    pub fn there(&self) -> Vec<String> {
        let there = self.files.iter().filter(|(_, file)| file.state == State::There);
        there.map(|(sha256, _)| sha256.clone()).collect()
    }

    /// Bytes of the files that are there.
    pub fn bytes(&self) -> u64 {
        self.files.values().filter(|file| file.state == State::There).map(|file| file.bytes).sum()
    }

    /// What to report.
    pub fn inventory(&self) -> Vec<Item> {
        self.desired.media.iter().filter_map(|media| Some(item(media, self.files.get(&media.sha256)?))).collect()
    }
}

fn item(media: &Media, file: &File) -> Item {
    let (state, reason) = match file.state {
        State::Waiting => (ItemState::Pending, None),
        State::Coming => (ItemState::Downloading, None),
        State::There => (ItemState::Installed, None),
        State::GivenUp(reason) => (ItemState::Failed, Some(reason)),
    };
    let detail = reason.map(|reason| format!("Box simulée : {}.", sentence(reason)));
    Item { id: media.id, sha256: media.sha256.clone(), state, attempts: file.attempts, reason, detail }
}

fn sentence(reason: Reason) -> &'static str {
    match reason {
        Reason::DiskFull => "il n'y a plus de place",
        Reason::ChecksumMismatch => "les octets reçus ne sont pas ceux annoncés",
        Reason::SizeMismatch => "la taille n'est pas celle annoncée",
        Reason::NotFound => "le stockage ne donne pas le fichier",
        Reason::OriginRefused => "l'adresse n'est pas d'un stockage annoncé",
        _ => "le fichier n'a pas pu être obtenu",
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn desired(revision: i64, media: &[(&str, u32)]) -> Desired {
        let media = media.iter().map(|(sha256, attempt)| Media {
            id: Uuid::from_u128(u128::from(sha256.as_bytes()[0])),
            sha256: (*sha256).to_owned(),
            bytes: 10,
            url: format!("http://s/{sha256}"),
            name: (*sha256).to_owned(),
            category: None,
            subcategory: None,
            media_type: "video/mp4".into(),
            seconds: None,
            in_loop: true,
            attempt: *attempt,
        });
        Desired { revision, media: media.collect(), ..Desired::default() }
    }

    fn begun(stock: &mut Stock) -> Option<String> {
        stock.begin().map(|media| media.sha256)
    }

    #[test]
    fn files_come_in_their_order_and_go_when_nobody_wants_them() {
        let mut stock = Stock::default();
        assert_eq!(stock.take_over(desired(2, &[("b", 0), ("a", 0)])), Some(Vec::new()));
        assert_eq!(stock.take_over(desired(2, &[])), None, "no news");
        assert_eq!(begun(&mut stock).as_deref(), Some("b"));
        stock.settle("b", Ok(()));
        assert_eq!(begun(&mut stock).as_deref(), Some("a"));
        assert_eq!(begun(&mut stock), None);
        assert_eq!((stock.there(), stock.bytes()), (vec!["b".to_owned()], 10));
        // What was only on its way had not been there.
        assert_eq!(stock.take_over(desired(3, &[])), Some(vec!["b".to_owned()]));
        assert_eq!((stock.inventory(), stock.bytes()), (Vec::new(), 0));
    }

    #[test]
    fn what_is_given_up_waits_for_a_person_and_what_is_there_for_nobody() {
        let mut stock = Stock::default();
        stock.take_over(desired(1, &[("a", 3), ("b", 0)]));
        stock.begin();
        stock.settle("a", Err(Reason::DiskFull));
        stock.begin();
        stock.settle("b", Ok(()));
        stock.take_over(desired(2, &[("a", 3), ("b", 1)]));
        assert_eq!(begun(&mut stock), None);
        let item = &stock.inventory()[0];
        assert_eq!((item.state, item.reason, item.attempts), (ItemState::Failed, Some(Reason::DiskFull), 1));
        // Ordered anew after it was taken away, its tries are counted from 0 again.
        stock.take_over(desired(3, &[("a", 0), ("b", 1)]));
        assert_eq!(begun(&mut stock).as_deref(), Some("a"));
    }

    #[test]
    fn a_download_is_pointless_once_its_file_lies_elsewhere() {
        let mut stock = Stock::default();
        stock.take_over(desired(1, &[("a", 0)]));
        let media = stock.begin().expect("a file");
        assert!(stock.is_coming(&media));
        let mut moved = desired(2, &[("a", 0)]);
        moved.media[0].url = "http://elsewhere/a".into();
        stock.take_over(moved);
        assert!(!stock.is_coming(&media));
        stock.call_off("a");
        assert_eq!(begun(&mut stock).as_deref(), Some("a"));
    }
}
