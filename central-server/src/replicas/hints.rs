//! What replicas say to each other: which rows are worth a look. Nothing in a message is believed: whoever hears it reads
//! the rows, or ends a connection that has to prove itself anew.
//!
//! A message is a JSON object: `v`, the version; `from`, the replica that speaks; and for each topic that there is something
//! about a list of ids, or `"all"`. Topics that are not known are passed over, so that a newer server can say more.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::events::{Change, Kind};
use crate::ids::{Credential, DeploymentId, GroupId, SessionId, SiteId, TokenId, VideoId};

/// The version of the messages. Another one is for another meaning of what is said here, which has not come up yet.
const VERSION: u64 = 1;
/// The longest message that is read, in bytes. Ours stay below [`LONGEST`].
pub const LONGEST_READ: usize = 16_384;
/// The longest message that is sent, in bytes: what a Redis of a small plan takes for sure.
pub const LONGEST: usize = 4_000;
/// How many ids one message names. Of a topic with too many it says that all may have changed.
const MOST: usize = 100;

/// What a hint is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// Sites whose boxes are to be told something.
    Work,
    /// Sites whose rows are others.
    Sites,
    /// Sites that have more, or less, of what they are to have.
    Progress,
    /// Orders.
    Orders,
    /// Videos.
    Videos,
    /// Groups.
    Groups,
    /// Sessions that are over.
    Sessions,
    /// Tokens of the API that are over.
    Tokens,
    /// Sites with another key, or gone.
    Keys,
    /// Sites whose boxes have come to whoever speaks.
    Seats,
}

impl Topic {
    const ALL: [Self; 10] = [
        Self::Work,
        Self::Sites,
        Self::Progress,
        Self::Orders,
        Self::Videos,
        Self::Groups,
        Self::Sessions,
        Self::Tokens,
        Self::Keys,
        Self::Seats,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Work => "work",
            Self::Sites => "sites",
            Self::Progress => "progress",
            Self::Orders => "orders",
            Self::Videos => "videos",
            Self::Groups => "groups",
            Self::Sessions => "sessions",
            Self::Tokens => "tokens",
            Self::Keys => "keys",
            Self::Seats => "seats",
        }
    }
}

/// The ids of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// These.
    These(BTreeSet<Uuid>),
    /// So many that they are not named, or all.
    All,
}

/// What was noted and not said yet, or what was heard. Never more than [`MOST`] ids of a topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hints(BTreeMap<Topic, Named>);

/// Why a message says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// It is longer than what we read.
    Long,
    /// It is not what a replica writes.
    Garbage,
    /// It is of a version that means something else.
    Version(u64),
}

impl Hints {
    /// Takes one in.
    pub fn add(&mut self, topic: Topic, id: Uuid) {
        if let Named::These(ids) = self.0.entry(topic).or_insert_with(|| Named::These(BTreeSet::new())) {
            ids.insert(id);
            if ids.len() > MOST {
                self.all(topic);
            }
        }
    }

    /// All of a topic.
    pub fn all(&mut self, topic: Topic) {
        self.0.insert(topic, Named::All);
    }

    /// Takes what dashboards follow in. What a box measures again and again is not for others.
    pub fn add_change(&mut self, change: &Change) {
        match change {
            Change::Site(site) => self.add(Topic::Sites, site.0),
            Change::Work(site) => self.add(Topic::Progress, site.0),
            Change::Deployment(order) => self.add(Topic::Orders, order.0),
            Change::Video(video) => self.add(Topic::Videos, video.0),
            Change::Group(group) => self.add(Topic::Groups, group.0),
            Change::All(Kind::Sites) => self.all(Topic::Sites),
            Change::All(Kind::Deployments) => self.all(Topic::Orders),
            Change::All(Kind::Videos) => self.all(Topic::Videos),
            Change::All(Kind::Groups) => self.all(Topic::Groups),
            Change::Beat(_) => {}
        }
    }

    /// Takes in what is over.
    pub fn add_ended(&mut self, credential: Credential) {
        match credential {
            Credential::Session(id) => self.add(Topic::Sessions, id.0),
            Credential::Token(id) => self.add(Topic::Tokens, id.0),
        }
    }

    /// Whether there is nothing to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is said of a topic.
    #[must_use]
    pub fn about(&self, topic: Topic) -> Option<&Named> {
        self.0.get(&topic)
    }

    /// The sites of a topic that are named; none if all are.
    pub fn sites(&self, topic: Topic) -> impl Iterator<Item = SiteId> {
        self.ids(topic).map(SiteId)
    }

    fn ids(&self, topic: Topic) -> impl Iterator<Item = Uuid> {
        let named = match self.about(topic) {
            Some(Named::These(ids)) => Some(ids.iter().copied()),
            _ => None,
        };
        named.into_iter().flatten()
    }

    fn is_all(&self, topic: Topic) -> bool {
        self.about(topic) == Some(&Named::All)
    }

    /// What dashboards follow, as they are told it here.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        let mut changes: Vec<Change> = self.sites(Topic::Sites).map(Change::Site).collect();
        changes.extend(self.sites(Topic::Progress).map(Change::Work));
        changes.extend(self.ids(Topic::Orders).map(|id| Change::Deployment(DeploymentId(id))));
        changes.extend(self.ids(Topic::Videos).map(|id| Change::Video(VideoId(id))));
        changes.extend(self.ids(Topic::Groups).map(|id| Change::Group(GroupId(id))));
        let all = [
            (Kind::Sites, self.is_all(Topic::Sites) || self.is_all(Topic::Progress)),
            (Kind::Deployments, self.is_all(Topic::Orders) || self.is_all(Topic::Progress)),
            (Kind::Videos, self.is_all(Topic::Videos)),
            (Kind::Groups, self.is_all(Topic::Groups)),
        ];
        changes.extend(all.into_iter().filter(|(_, is_all)| *is_all).map(|(kind, _)| Change::All(kind)));
        changes
    }

    /// The sessions and tokens that are over, as far as they are named. The others are found within a second.
    pub fn ended(&self) -> impl Iterator<Item = Credential> {
        let sessions = self.ids(Topic::Sessions).map(|id| Credential::Session(SessionId(id)));
        sessions.chain(self.ids(Topic::Tokens).map(|id| Credential::Token(TokenId(id))))
    }

    /// The message of this replica, in at most [`LONGEST`] bytes: the topics with the most ids are not named one by one.
    #[must_use]
    pub fn write(mut self, from: Uuid) -> Vec<u8> {
        while self.0.keys().map(|topic| self.ids(*topic).count()).sum::<usize>() > MOST {
            let Some(largest) = self.0.keys().copied().max_by_key(|topic| self.ids(*topic).count()) else { break };
            self.all(largest);
        }
        let topics = self.0.iter().map(|(topic, named)| {
            let ids = match named {
                Named::These(ids) => ids.iter().map(|id| id.simple().to_string()).collect(),
                Named::All => Value::from("all"),
            };
            (topic.name().to_owned(), ids)
        });
        let mut message = Map::from_iter(topics);
        message.insert("v".into(), VERSION.into());
        message.insert("from".into(), json!(from.simple().to_string()));
        Value::Object(message).to_string().into_bytes()
    }

    /// Who speaks, and what of.
    ///
    /// # Errors
    /// It is nothing that we understand, which is no harm: what it was about is found by the next sweep.
    pub fn read(message: &[u8]) -> Result<(Uuid, Self), Unread> {
        if message.len() > LONGEST_READ {
            return Err(Unread::Long);
        }
        let message: Value = serde_json::from_slice(message).map_err(|_| Unread::Garbage)?;
        match message["v"].as_u64().ok_or(Unread::Garbage)? {
            VERSION => {}
            other => return Err(Unread::Version(other)),
        }
        let from = message["from"].as_str().and_then(|id| id.parse().ok()).ok_or(Unread::Garbage)?;
        let mut hints = Self::default();
        for topic in Topic::ALL {
            match &message[topic.name()] {
                Value::Null => {}
                Value::Array(ids) => {
                    for id in ids {
                        hints.add(topic, id.as_str().and_then(|id| id.parse().ok()).ok_or(Unread::Garbage)?);
                    }
                }
                // A word for "all" that we do not know yet names nothing less.
                Value::String(_) => hints.all(topic),
                _ => return Err(Unread::Garbage),
            }
        }
        Ok((from, hints))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_heard_and_never_too_long() {
        let from = Uuid::now_v7();
        let (site, order, session) = (SiteId::new(), DeploymentId::new(), SessionId::new());
        let mut hints = Hints::default();
        hints.add(Topic::Work, site.0);
        hints.add_change(&Change::Work(site));
        hints.add_change(&Change::Deployment(order));
        hints.add_change(&Change::All(Kind::Videos));
        hints.add_ended(session.into());
        let message = hints.clone().write(from);
        assert_eq!(Hints::read(&message), Ok((from, hints.clone())));
        assert_eq!(hints.sites(Topic::Work).collect::<Vec<_>>(), [site]);
        assert_eq!(hints.ended().collect::<Vec<_>>(), [Credential::Session(session)]);
        let changes = format!("{:?}", hints.changes());
        for part in [format!("Work({site:?})"), format!("Deployment({order:?})"), "All(Videos)".into()] {
            assert!(changes.contains(&part), "{changes}");
        }
        assert_eq!(hints.changes().len(), 3, "{changes}");

        // As many of everything as fit: the message is bounded, and says at least as much.
        let mut many = Hints::default();
        for topic in Topic::ALL {
            (0..MOST).for_each(|_| many.add(topic, Uuid::now_v7()));
        }
        let message = many.write(from);
        assert!(message.len() <= LONGEST, "{}", message.len());
        let (_, heard) = Hints::read(&message).expect("ours");
        assert_eq!(heard.0.len(), 10);
        assert!(heard.is_all(Topic::Work) || heard.sites(Topic::Work).count() == MOST);
    }

    #[test]
    fn too_many_of_a_topic_are_all_of_it() {
        let mut hints = Hints::default();
        (0..=MOST).for_each(|_| hints.add(Topic::Progress, Uuid::now_v7()));
        hints.add(Topic::Progress, Uuid::now_v7());
        assert_eq!(hints.about(Topic::Progress), Some(&Named::All));
        let changes = hints.changes();
        assert!(matches!(changes[..], [Change::All(Kind::Sites), Change::All(Kind::Deployments)]), "{changes:?}");
    }

    #[test]
    fn what_a_newer_server_says_besides_is_passed_over_and_garbage_is_nothing() {
        let from = Uuid::now_v7();
        let newer = json!({"v": 1, "from": from, "weather": [{"rain": true}], "sites": "some", "work": [from]});
        let (who, hints) = Hints::read(newer.to_string().as_bytes()).expect("it is understood as far as it goes");
        assert!(who == from && hints.is_all(Topic::Sites) && hints.sites(Topic::Work).count() == 1);
        let other = json!({"v": 2, "from": from, "work": [from]});
        assert_eq!(Hints::read(other.to_string().as_bytes()), Err(Unread::Version(2)));
        assert_eq!(Hints::read(&vec![b' '; LONGEST_READ + 1]), Err(Unread::Long));
        let wrong =
            [json!({"v": 1, "from": 7}), json!({"v": 1, "from": from, "work": ["x"]}), json!({"v": -1}), json!([])];
        for garbage in wrong.iter().map(Value::to_string).chain(["".into(), "{".into(), "\u{0}".into()]) {
            assert_eq!(Hints::read(garbage.as_bytes()), Err(Unread::Garbage), "{garbage}");
        }
    }
}
