//! Lets libFuzzer make up inputs for the readers of foreign bytes (`fuzz/`): a slice with the tests, and whole with
//! `cargo xtask soak fuzz`. Before a slice counts, the engine must find a panic that is planted deep in each reader.

use std::collections::BTreeSet;
use std::fs;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::packages::{self, Needed};
use crate::programs::variable;
use crate::steps::{Outcome, cargo, loud, output};

/// The engine is C++.
const COMPILER: [Needed; 1] = [("c++", "g++")];

/// The program, by its name among the tests.
const ENGINE: &str = "engine";
/// rustc, which has our crates count their branches.
const RUSTC: &str = "fuzz/instrumented";
/// A folder of inputs for each reader, and a list of words for some.
const CORPUS: &str = "fuzz/corpus";
const WORDS: &str = "fuzz/words";
/// Where inputs are written that take a new branch, or that must not be.
const FOUND: &str = "target/fuzz";

const SLICE: Duration = Duration::from_secs(20);
const WHOLE: Duration = Duration::from_secs(600);

/// Repeats what was tried, if it is given the number that was printed.
const SEED: &str = "NEOPRO_FUZZ_SEED";
/// The planted panics are looked for in the same way each time: they judge the engine, and not our luck.
const PLANTED_SEED: u32 = 1;
/// What the program says when it gets there.
const PLANTED: &str = "the planted panic";

/// One input may take this many seconds, and the process this many megabytes. What a reader may hold for its input is
/// asserted by the program itself.
const PATIENCE: [&str; 2] = ["-timeout=10", "-rss_limit_mb=1024"];

/// Twenty seconds of each reader whose test has a name with a filter in it, and before that its planted panic.
pub fn slice(filters: &[String]) -> Outcome {
    let chosen = |name: &&String| {
        let test = format!("fuzz::{name}");
        filters.is_empty() || filters.iter().any(|filter| test.contains(filter.as_str()))
    };
    let readers = readers()?;
    let readers: Vec<&String> = readers.iter().filter(chosen).collect();
    if readers.is_empty() {
        return Ok(());
    }
    loud("fuzz", || {
        let engine = build()?;
        let planted = readers.iter().map(|reader| Try { engine: &engine, reader, how: How::Planted });
        let slices = readers.iter().map(|reader| Try { engine: &engine, reader, how: How::Slice });
        all(planted.chain(slices).collect())
    })
}

/// Ten minutes of each reader, from where the last time ended.
pub fn whole() -> Outcome {
    loud("fuzz, ten minutes each", || {
        let engine = build()?;
        let readers = readers()?;
        all(readers.iter().map(|reader| Try { engine: &engine, reader, how: How::Whole }).collect())
    })
}

/// The readers, by the folders of their inputs. The tests of the crate see to it that they are all.
fn readers() -> Result<BTreeSet<String>, String> {
    let entries = fs::read_dir(CORPUS).map_err(|error| format!("{CORPUS} cannot be read: {error}"))?;
    Ok(entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect())
}

/// Builds the engine with our readers, beside the tests and with their dependencies: only our own crates are built in
/// another way. Returns the program.
fn build() -> Result<PathBuf, String> {
    packages::ensure(&COMPILER)?;
    let rustc = std::path::absolute(RUSTC).map_err(|error| format!("{RUSTC}: {error}"))?;
    let mut command =
        cargo(&["build", "--locked", "--workspace", "--test", ENGINE, "--features", "neopro-fuzz/engine"]);
    command.args(["--quiet", "--message-format", "json-render-diagnostics"]);
    let built = output(command.env("RUSTC_WORKSPACE_WRAPPER", rustc).env("CARGO_INCREMENTAL", "0"))?;
    program(&built).ok_or_else(|| format!("cargo does not say where it has put \"{ENGINE}\"."))
}

/// Where cargo has put the engine, among what it says of all that it has built.
fn program(built: &str) -> Option<PathBuf> {
    let artifacts = built.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut engines = artifacts.filter(|artifact| artifact["target"]["name"] == ENGINE);
    engines.find_map(|artifact| artifact["executable"].as_str().map(PathBuf::from))
}

/// Tries as many readers at once as there are processors, and says what was wrong with any.
fn all(tries: Vec<Try<'_>>) -> Outcome {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let queue = Mutex::new(tries.into_iter());
    let failures = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(one) = queue.lock().ok().and_then(|mut queue| queue.next()) {
                    match one.run() {
                        Ok(sentence) => println!("    {sentence}"),
                        Err(sentence) => {
                            println!("    {sentence}");
                            if let Ok(mut failures) = failures.lock() {
                                failures.push(one.reader.clone());
                            }
                        }
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().map_err(|_| "A try broke off.".to_owned())?;
    if failures.is_empty() { Ok(()) } else { Err(format!("These readers did not hold: {}.", failures.join(", "))) }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Planted,
    Slice,
    Whole,
}

/// One reader, to be tried in one way.
struct Try<'a> {
    engine: &'a Path,
    reader: &'a String,
    how: How,
}

impl Try<'_> {
    /// What was tried; or where the input is that must not be.
    fn run(&self) -> Result<String, String> {
        let Self { engine, reader, how } = self;
        let seed = self.seed()?;
        let folder = self.folder()?;
        let output = self.command(&folder, seed).output().map_err(|error| format!("{}: {error}", engine.display()))?;
        let text = String::from_utf8_lossy(&output.stderr);
        let figures = format!("{} inputs, seed {seed}", figure(&text).unwrap_or("no"));
        match (how, output.status.success()) {
            (How::Planted, false) if text.contains(PLANTED) => Ok(format!("{reader}: found {PLANTED} ({figures})")),
            (How::Planted, true) => Err(format!("{reader}: {PLANTED} was not found ({figures})")),
            (_, true) => Ok(format!("{reader}: holds ({figures})")),
            (_, false) => Err(format!(
                "{}\n{reader}: does not hold ({figures}). The input is in {}; put into {CORPUS}/{reader}/, \
                 `cargo test -p neopro-fuzz` reads it again.",
                tail(&text),
                folder.display()
            )),
        }
    }

    fn seed(&self) -> Result<u32, String> {
        match variable(SEED) {
            _ if self.how == How::Planted => Ok(PLANTED_SEED),
            Some(seed) => seed.to_str().and_then(|seed| seed.parse().ok()).ok_or(format!("{SEED} is no number.")),
            // Zero would have the engine choose one itself.
            None => Ok(RandomState::new().build_hasher().finish() as u32 | 1),
        }
    }

    /// Where this try writes; what an earlier slice has written there is none of its business.
    fn folder(&self) -> Result<PathBuf, String> {
        let folder = Path::new(FOUND).join(format!("{:?}", self.how).to_lowercase()).join(self.reader);
        if self.how != How::Whole && folder.exists() {
            fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        fs::create_dir_all(folder.join("inputs")).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(folder)
    }

    fn command(&self, folder: &Path, seed: u32) -> Command {
        let time = if self.how == How::Whole { WHOLE } else { SLICE };
        let mut command = Command::new(self.engine);
        command
            .arg(folder.join("inputs"))
            .arg(Path::new(CORPUS).join(self.reader))
            .arg(format!("-max_total_time={}", time.as_secs()))
            .arg(format!("-seed={seed}"))
            .arg(format!("-artifact_prefix={}/", folder.display()))
            .arg("-print_final_stats=1")
            .args(PATIENCE)
            .stdin(Stdio::null());
        let words = Path::new(WORDS).join(self.reader);
        if words.exists() {
            command.arg(format!("-dict={}", words.display()));
        }
        command.args(["-ignore_remaining_args=1", self.reader]);
        if self.how == How::Planted {
            command.arg("planted");
        }
        command
    }
}

/// How many inputs were tried, as the engine says at its end.
fn figure(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:")).map(str::trim)
}

/// The panic and what the engine says of it, without the many lines about new branches.
fn tail(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.contains("NEW_FUNC"));
    let lines: Vec<&str> =
        lines.skip_while(|line| !line.contains("panicked at") && !line.contains("ERROR: ")).collect();
    lines[..lines.len().min(12)].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_found_among_what_was_built() {
        let built = "{\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"a\"},\"executable\":\"/a\"}\nwords\n\
            {\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"engine\"},\"executable\":\"/engine-1\"}";
        assert_eq!(program(built), Some(PathBuf::from("/engine-1")));
        assert_eq!(program(""), None);
    }

    const ENDED: &str = "INFO: Running with entropic power schedule\n#2\tINITED cov: 90\n\n\
        thread '<unnamed>' (1) panicked at fuzz/src/websocket.rs:9:5:\nbyte by byte\n\
        ==1== ERROR: libFuzzer: deadly signal\n#7 not a line of the stack\n\
        stat::number_of_executed_units: 12345\nstat::peak_rss_mb: 60";

    #[test]
    fn what_the_engine_says_is_understood() {
        assert_eq!(figure(ENDED), Some("12345"));
        assert_eq!(figure("nothing"), None);
        let tail = tail(ENDED);
        assert!(tail.starts_with("thread") && tail.contains("byte by byte") && !tail.contains("#7"), "{tail}");
    }

    #[test]
    fn a_planted_panic_is_looked_for_with_the_same_seed_and_a_slice_with_another_each_time() {
        let reader = "websocket".to_owned();
        let of = |how| Try { engine: Path::new("engine"), reader: &reader, how }.seed();
        assert_eq!((of(How::Planted), of(How::Planted)), (Ok(PLANTED_SEED), Ok(PLANTED_SEED)));
        assert_ne!(of(How::Slice), of(How::Slice));
        let command =
            Try { engine: Path::new("engine"), reader: &reader, how: How::Planted }.command(Path::new("f"), 1);
        let words: Vec<String> = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
        assert_eq!(words[..2], ["f/inputs", "fuzz/corpus/websocket"]);
        assert_eq!(words[words.len() - 3..], ["-ignore_remaining_args=1", "websocket", "planted"]);
    }
}
