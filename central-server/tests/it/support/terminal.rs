//! A terminal with a person at it, who reads the screen and types when asked.

use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long the person waits for the screen to change.
const PATIENCE: Duration = Duration::from_secs(30);

/// The program in a terminal of its own. Hung up when it is dropped.
pub struct Terminal {
    child: Child,
    keyboard: ChildStdin,
    screen: Arc<Mutex<Vec<u8>>>,
    /// What of the screen was read already.
    read: usize,
    /// The terminal's file, for looking at its settings.
    device: String,
}

impl Terminal {
    /// Starts the program in a terminal that echoes what is typed, as a shell leaves it.
    pub fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let words = std::iter::once(&env!("CARGO_BIN_EXE_neopro-central")).chain(arguments);
        let line: Vec<String> = words.map(|word| format!("'{}'", word.replace('\'', "'\\''"))).collect();
        let mut command = Command::new("script");
        command
            .args([
                "--quiet",
                "--return",
                "--command",
                &format!("stty echo; tty; exec {}", line.join(" ")),
                "/dev/null",
            ])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("the program `script` (package bsdutils), which makes terminals");
        let mut output = child.stdout.take().expect("its screen");
        let screen = Arc::new(Mutex::new(Vec::new()));
        let shown = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut piece = [0; 1024];
            while let Ok(length @ 1..) = output.read(&mut piece) {
                shown.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&piece[..length]);
            }
        });
        let keyboard = child.stdin.take().expect("its keyboard");
        let mut terminal = Self { child, keyboard, screen, read: 0, device: String::new() };
        terminal.wait_for("\n");
        terminal.device = terminal.screen().lines().next().expect("the terminal's name").trim().to_owned();
        terminal
    }

    /// Answers a question.
    pub fn answer(&mut self, question: &str, text: &str) {
        self.wait_for(question);
        self.enter(text);
    }

    /// Answers a question whose answer must not be seen. A person is never so fast that the program has not
    /// switched the echo off yet; a test is.
    pub fn answer_unseen(&mut self, question: &str, text: &str) {
        self.wait_for(question);
        let until = Instant::now() + PATIENCE;
        while self.echoes() {
            assert!(Instant::now() < until, "the echo stays on at {question:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
        self.enter(text);
    }

    /// Everything that was on the screen.
    pub fn screen(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// Waits until the program ends: its exit code, and everything that was on the screen.
    pub fn end(mut self) -> (ExitStatus, String) {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a status") {
                // What was written last may still be on its way to the reader.
                while Arc::strong_count(&self.screen) > 1 && Instant::now() < until {
                    std::thread::sleep(Duration::from_millis(1));
                }
                return (status, self.screen());
            }
            assert!(Instant::now() < until, "the program still runs; on the screen: {}", self.screen());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn wait_for(&mut self, words: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            let screen = self.screen();
            if let Some(at) = screen.get(self.read..).and_then(|fresh| fresh.find(words)) {
                self.read += at + words.len();
                return;
            }
            assert!(Instant::now() < until, "{words:?} does not appear; on the screen: {screen}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Types a line and presses the key that ends it.
    fn enter(&mut self, text: &str) {
        self.keyboard.write_all(format!("{text}\r").as_bytes()).expect("somebody reads the keyboard");
    }

    fn echoes(&self) -> bool {
        let settings = Command::new("stty").args(["-a", "-F", &self.device]).output().expect("stty runs");
        let text = String::from_utf8_lossy(&settings.stdout).into_owned();
        assert!(settings.status.success() && text.contains("echo"), "stty knows nothing of {}", self.device);
        !text.split_whitespace().any(|word| word == "-echo")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
