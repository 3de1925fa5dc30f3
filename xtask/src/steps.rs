//! Runs the steps of a command, and says how many seconds each took.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::programs::variable;

/// Nothing, or the sentence for the person who ran the command.
pub type Outcome = Result<(), String>;

/// Commands speak of paths from the root of the repository, wherever they are started.
pub fn enter_repository() -> Outcome {
    let package = variable("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let root = Path::new(&package).parent().ok_or("The folder of xtask has no parent.")?;
    std::env::set_current_dir(root).map_err(|error| format!("The root of the repository cannot be entered: {error}"))
}

/// A step that is silent until it ends. What it returns is a remark, printed behind its seconds.
pub fn quiet(name: &str, step: impl FnOnce() -> Result<String, String>) -> Outcome {
    print!("{name:<28}");
    // A pipe that nobody reads is not a reason to stop a check.
    let _ = std::io::stdout().flush();
    let start = Instant::now();
    let outcome = step();
    println!("{:>7.1} s{}", start.elapsed().as_secs_f64(), if outcome.is_ok() { "" } else { "   failed" });
    match outcome {
        Ok(remark) => {
            if !remark.is_empty() {
                println!("{}", indented(&remark));
            }
            Ok(())
        }
        Err(output) => {
            println!("{}", indented(&output));
            Err(format!("The step \"{name}\" failed."))
        }
    }
}

/// A step that prints for itself while it runs.
pub fn loud(name: &str, step: impl FnOnce() -> Outcome) -> Outcome {
    println!("{name} …");
    let start = Instant::now();
    let outcome = step();
    println!("{name:<28}{:>7.1} s{}", start.elapsed().as_secs_f64(), if outcome.is_ok() { "" } else { "   failed" });
    outcome
}

fn indented(text: &str) -> String {
    text.trim_end().lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

/// `cargo` with these arguments, as a person would start it.
///
/// What `cargo run` set for xtask itself is taken away: build scripts that watch those variables would be
/// built again each time a person and xtask take turns.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(arguments);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a program and returns what it wrote to stdout; if it fails, the sentence holds all it wrote.
pub fn output(command: &mut Command) -> Result<String, String> {
    let line = shown(command);
    let output =
        command.stdin(Stdio::null()).output().map_err(|error| format!("`{line}` cannot be started: {error}"))?;
    if output.status.success() {
        return String::from_utf8(output.stdout).map_err(|_| format!("`{line}` wrote something that is not UTF-8."));
    }
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Err(format!("{out}{err}\n`{line}` failed ({}).", output.status))
}

/// Runs a program whose output goes where ours goes.
pub fn visible(command: &mut Command) -> Outcome {
    let line = shown(command);
    let status = command.status().map_err(|error| format!("`{line}` cannot be started: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{line}` failed ({status}).")) }
}

/// A command line as one would type it; its environment, which may hold a password, is left out.
fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}
