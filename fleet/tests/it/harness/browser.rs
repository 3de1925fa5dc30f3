//! A real Chromium that shows a TV page and looks at every picture (`box/tests/js`).

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{RealBox, root};

/// The browser, as the kiosk starts it.
pub struct Browser {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Browser {
    /// Opens the TV page of a box.
    pub fn open(tv: &RealBox) -> Self {
        Self::open_at(&tv.tv())
    }

    /// Opens a TV page.
    pub fn open_at(address: &str) -> Self {
        let mut child = Command::new("node")
            .args(["tv.mjs", "/usr/bin/chromium", "--autoplay-policy=no-user-gesture-required"])
            .current_dir(root().join("box/tests/js"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Node and Chromium: `cargo xtask test` installs what is missing");
        let (input, output) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
        let mut browser = Self { child, input, output: BufReader::new(output) };
        browser.ask(&json!({"do": "open", "url": address}));
        browser
    }

    fn ask(&mut self, question: &Value) -> Value {
        writeln!(self.input, "{question}").expect("the browser listens");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the browser answers");
        let answer: Value = serde_json::from_str(&line).expect("an answer");
        assert!(answer.get("error").is_none(), "{question}: {answer}");
        answer
    }

    /// What is on the screen.
    pub fn look(&mut self) -> Value {
        self.ask(&json!({"do": "look"}))
    }

    /// Looks until something is so.
    pub fn until(&mut self, what: &str, within: Duration, holds: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + within;
        loop {
            let seen = self.look();
            if holds(&seen) {
                return seen;
            }
            assert!(Instant::now() < until, "{what}, not within {within:?}: {seen}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Looks at every picture until so many items took the place of others.
    pub fn watch(&mut self, transitions: u64) -> Value {
        self.ask(&json!({"do": "watch", "transitions": transitions, "within": 20_000 + 6_000 * transitions}))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Playwright's child ends its browser.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
