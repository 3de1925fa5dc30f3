//! What the generator has sent and heard, box by box: what the server says is held against it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde_json::Value;
use uuid::Uuid;

/// How many faults are told word by word.
const TOLD: usize = 20;

/// Of every box.
#[derive(Debug)]
pub(super) struct Ledger {
    boxes: Vec<Mutex<Record>>,
    members: usize,
    commands: Mutex<HashMap<Uuid, Vec<Arrival>>>,
    faults: Mutex<Faults>,
}

/// Of one box.
#[derive(Debug, Default, Clone)]
pub(super) struct Record {
    /// When it sent its heartbeats, in milliseconds of the epoch.
    pub beats: Vec<i64>,
    /// It has sent its configuration.
    pub has_mirrored: bool,
    /// When it was told to have a video.
    pub told: Vec<(Uuid, Instant)>,
    /// Reports and results that are sent and not acknowledged.
    pub unanswered: usize,
}

/// A command that has come to a box.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Arrival {
    /// To which.
    pub number: usize,
    /// When.
    pub at: Instant,
    /// With which parameters.
    pub data: Value,
}

/// What is not as it has to be.
#[derive(Debug, Default)]
pub(super) struct Faults {
    count: usize,
    told: Vec<String>,
}

impl Faults {
    pub fn add(&mut self, fault: String) {
        self.count += 1;
        if self.told.len() < TOLD {
            self.told.push(fault);
        }
    }

    pub fn extend(&mut self, faults: impl IntoIterator<Item = String>) {
        faults.into_iter().for_each(|fault| self.add(fault));
    }

    pub fn count(&self) -> usize {
        self.count
    }

    /// The first of them, word by word.
    pub fn told(&self) -> &[String] {
        &self.told
    }
}

impl Ledger {
    /// Of so many boxes, none of which has done anything; so many of them are the fleet, the rest are strangers to it.
    pub fn new(count: usize, members: usize) -> Self {
        let boxes = (0..count).map(|_| Mutex::default()).collect();
        Self { boxes, members, commands: Mutex::default(), faults: Mutex::default() }
    }

    /// How many boxes there are.
    pub fn count(&self) -> usize {
        self.boxes.len()
    }

    /// How many of them are the fleet: those with the first numbers.
    pub fn members(&self) -> usize {
        self.members
    }

    /// What a box has done so far.
    pub fn of(&self, number: usize) -> MutexGuard<'_, Record> {
        lock(&self.boxes[number])
    }

    /// A copy of all that the boxes have done.
    pub fn records(&self) -> Vec<Record> {
        self.boxes.iter().map(|record| lock(record).clone()).collect()
    }

    /// A command has come to a box.
    pub fn command(&self, id: Uuid, arrival: Arrival) {
        lock(&self.commands).entry(id).or_default().push(arrival);
    }

    /// The commands that have come so far, taken out.
    pub fn take_commands(&self) -> HashMap<Uuid, Vec<Arrival>> {
        std::mem::take(&mut *lock(&self.commands))
    }

    /// How many commands are there.
    pub fn commands(&self) -> usize {
        lock(&self.commands).values().map(Vec::len).sum()
    }

    /// Something is not as it has to be.
    pub fn complain(&self, fault: String) {
        lock(&self.faults).add(fault);
    }

    pub fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.faults)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
