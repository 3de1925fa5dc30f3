//! Which files are left out of the loop, because they could not be played.

use std::collections::HashMap;

use crate::library::Clip;

/// How often a file may fail before it is left out. Once can be the browser's fault.
const FAILURES: u32 = 2;

/// The failures of each file that has any.
#[derive(Debug, Default)]
pub struct Quarantine(HashMap<String, Failures>);

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
        let entry = self.0.entry(clip.key.clone());
        let failures = entry.or_insert_with(|| Failures { clip: clip.clone(), count: 0, told: false });
        failures.count += 1;
        let news = failures.count >= FAILURES && !failures.told;
        failures.told |= news;
        news
    }

    /// Notes that a file played to its end.
    pub fn succeed(&mut self, clip: &Clip) {
        self.0.remove(&clip.key);
    }

    /// Whether a file is left out.
    pub fn holds(&self, clip: &Clip) -> bool {
        self.0.get(&clip.key).is_some_and(|failures| failures.count >= FAILURES)
    }

    /// Forgets what is not in the loop any more, or is another file under an old name: it may come back mended.
    pub fn keep_only(&mut self, clips: &[Clip]) {
        self.0.retain(|_, failures| clips.contains(&failures.clip));
    }

    /// Gives each file one more try.
    pub fn forgive(&mut self) {
        for failures in self.0.values_mut() {
            failures.count = failures.count.min(FAILURES - 1);
        }
    }
}
