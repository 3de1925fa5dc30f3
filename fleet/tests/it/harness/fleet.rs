//! The simulated boxes in a process of their own, and what they tell.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Central, Site, program};

/// The running boxes.
pub struct Boxes {
    child: Child,
    told: Arc<Told>,
    reader: Option<JoinHandle<()>>,
}

/// The lines that were read so far.
#[derive(Default)]
pub struct Told {
    lines: Mutex<Vec<Value>>,
    more: Condvar,
}

impl Told {
    fn lines(&self) -> MutexGuard<'_, Vec<Value>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything that was told so far.
    pub fn so_far(&self) -> Vec<Value> {
        self.lines().clone()
    }

    /// Waits until a box tells such an event, at most so long.
    pub fn wait_for(&self, event: &str, within: Duration) {
        let lines = self.lines();
        let already = lines.len();
        let is_new = |lines: &mut Vec<Value>| !lines[already..].iter().any(|line| line["event"] == event);
        drop(self.more.wait_timeout_while(lines, within, is_new));
    }
}

impl Boxes {
    /// Starts the boxes of these sites.
    pub fn start(central: &Central, sites: &[Site], options: &[&str]) -> Self {
        let line = |site: &Site| format!("{}\n", json!({"id": site.id, "key": site.key}));
        Self::start_list(central, &sites.iter().map(line).collect::<String>(), options)
    }

    /// Starts the boxes of a list.
    pub fn start_list(central: &Central, lines: &str, options: &[&str]) -> Self {
        let list = central.folder.join("sites.list");
        std::fs::write(&list, lines).expect("a list of sites");
        let mut child = Command::new(program("neopro-fleet"))
            .args(["simulate", "--events", "--server", &format!("http://127.0.0.1:{}", central.port), "--sites"])
            .arg(&list)
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the boxes start");
        let out = BufReader::new(child.stdout.take().expect("its output"));
        let told = Arc::new(Told::default());
        let telling = told.clone();
        let reader = std::thread::spawn(move || {
            for line in out.lines() {
                let line = line.expect("a line");
                let event = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}"));
                telling.lines().push(event);
                telling.more.notify_all();
            }
        });
        Self { child, told, reader: Some(reader) }
    }

    /// What they tell.
    pub fn told(&self) -> Arc<Told> {
        self.told.clone()
    }

    /// Lets them end by themselves: everything that they have told, and their summary.
    pub fn end(mut self) -> (Vec<Value>, Value) {
        let mut input = self.child.stdin.take().expect("its input");
        input.flush().expect("it reads");
        drop(input);
        assert!(self.child.wait().expect("it ends").success(), "a clean end");
        self.reader.take().expect("a reader").join().expect("every line is JSON");
        let mut lines = std::mem::take(&mut *self.told.lines());
        let summary = lines.pop().expect("a summary");
        assert!(summary.get("event").is_none(), "the last line is the summary: {summary}");
        (lines, summary)
    }
}

impl Drop for Boxes {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
