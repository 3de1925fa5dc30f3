//! Which files are left out of the loop, because they could not be played.

use std::collections::{HashMap, HashSet};

use crate::library::Clip;

/// How often a file may fail before it is left out. Once can be the browser's fault.
const FAILURES: u32 = 2;

/// The failures of each file that has any.
#[derive(Debug, Default)]
pub struct Quarantine {
    failures: HashMap<String, Failures>,
    /// The keys of files that played to their end, and have not failed since.
    played: HashSet<String>,
}

#[derive(Debug)]
struct Failures {
    clip: Clip,
    count: u32,
    /// Whether it was said that the file is left out: once is enough.
    told: bool,
}

impl Quarantine {
    /// Notes a failure. True if the file is left out from now on, for the first time.
    pub fn fail(&mut self, clip: &Clip) -> bool {
        self.played.remove(&clip.key);
        let entry = self.failures.entry(clip.key.clone());
        let failures = entry.or_insert_with(|| Failures { clip: clip.clone(), count: 0, told: false });
        failures.count += 1;
        let news = failures.count >= FAILURES && !failures.told;
        failures.told |= news;
        news
    }

    /// Notes that a file played to its end. True if that was not known of it.
    pub fn succeed(&mut self, clip: &Clip) -> bool {
        self.failures.remove(&clip.key);
        self.played.insert(clip.key.clone())
    }

    /// Whether a file is left out.
    pub fn holds(&self, clip: &Clip) -> bool {
        self.failures.get(&clip.key).is_some_and(|failures| failures.count >= FAILURES)
    }

    /// Forgets what is not in the loop any more, or is another file under an old name: it may come back mended.
    pub fn keep_only(&mut self, clips: &[Clip]) {
        self.failures.retain(|_, failures| clips.contains(&failures.clip));
        self.played.retain(|key| clips.iter().any(|clip| clip.key == *key));
    }

    /// Gives each file one more try.
    pub fn forgive(&mut self) {
        for failures in self.failures.values_mut() {
            failures.count = failures.count.min(FAILURES - 1);
        }
    }
}
