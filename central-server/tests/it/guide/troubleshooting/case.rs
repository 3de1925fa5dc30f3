//! What a row of the table is made of.

use crate::doctor::Promise;

/// An entry of the guide.
pub struct Entry {
    /// The test that provokes it.
    pub test: &'static str,
    pub heading: &'static str,
    pub cases: &'static [Case],
}

/// One cause, and what it shows. In values and sentences `{…}` stands for what is this installation's own.
#[derive(Clone, Copy)]
pub struct Case {
    pub cause: &'static str,
    /// The variables that are wrong; those without a value are missing.
    pub change: &'static [(&'static str, Option<&'static str>)],
    /// What is wrong besides.
    pub fault: Fault,
    pub start: Start,
    /// Sentences of the log.
    pub log: &'static [&'static str],
    /// A check of `/health`, and how its sentence begins.
    pub health: Option<(&'static str, &'static str)>,
    pub doctor: &'static [Promise],
    pub screen: &'static [Screen],
}

/// What is wrong with a service.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    None,
    /// Another program has the server's port.
    PortTaken,
    /// The storage takes nothing from us.
    WritesRefused,
    /// There are no buckets, and none may be made.
    NoBuckets,
    /// Redis goes away while the server runs.
    RedisAway,
    /// SendGrid takes no mail from this sender, and somebody has asked for one.
    SenderRefused,
    /// The dashboard was built for this address of the API.
    Built(&'static str),
}

/// What becomes of the server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// It says what is wrong, and ends.
    Refused,
    /// It waits until it is mended.
    Waits,
    /// It serves all the same.
    Serves,
}

/// What somebody looks at, and what is read there.
#[derive(Clone, Copy)]
pub enum Screen {
    /// The dashboard's address.
    Open(&'static [&'static str]),
    /// The same, after an administrator has tried to log in.
    LogIn(&'static [&'static str]),
    /// After he has added a video.
    Upload(&'static [&'static str]),
    /// The page Diagnosis.
    Diagnosis(&'static [&'static str]),
}

/// A case in which nothing is wrong yet.
pub const CASE: Case = Case {
    cause: "",
    change: &[],
    fault: Fault::None,
    start: Start::Serves,
    log: &[],
    health: None,
    doctor: &[],
    screen: &[],
};
