//! Step 6 of the production guide, cold: the build command of our edition in a fresh clone with nothing built before, as a
//! hosting platform runs it. What it downloads is in cargo's cache of this machine already, or is fetched now and counted.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use super::figures::{Figure, Judged, Measured};
use crate::programs::variable;
use crate::steps::{cargo, output};

/// The word on the command line.
pub const NAME: &str = "build";

/// The document that has the command, and the line of the guide that it stands in the place of.
const DIFFERENCES: &str = "docs/guide-differences.md";
const IN_PLACE_OF: &str = "| Build Command | `npm install && npm run build` |";

const CLONE: &str = "target/neopro-bench-clone";
const LOOK: Duration = Duration::from_millis(250);

/// Clones, builds, and throws the clone away.
pub fn measure() -> Result<Measured, String> {
    let command = build_command(&fs::read_to_string(DIFFERENCES).map_err(|error| format!("{DIFFERENCES}: {error}"))?)?;
    let mut words = command.split_whitespace();
    if words.next() != Some("cargo") {
        return Err(format!("{DIFFERENCES} builds with something else than cargo: {command}"));
    }
    let _ = fs::remove_dir_all(CLONE);
    output(Command::new("git").args(["clone", "--quiet", "--no-hardlinks", ".", CLONE]))?;
    let arguments: Vec<&str> = words.collect();
    let mut build = cargo(&arguments);
    build.current_dir(CLONE).env_remove("CARGO_TARGET_DIR").env_remove("RUSTC_WRAPPER");
    let began = Instant::now();
    let mut child = build.spawn().map_err(|error| format!("`{command}` cannot be started: {error}"))?;
    let (succeeded, peak) = watch(&mut child)?;
    let seconds = began.elapsed().as_secs_f64();
    if !succeeded {
        return Err(format!("`{command}` failed in {CLONE}."));
    }
    let program = fs::metadata(Path::new(CLONE).join("target/release/neopro-central")).map(|facts| facts.len());
    let megabytes = program.map_err(|error| format!("the program of step 6: {error}"))? as f64 / 1e6;
    fs::remove_dir_all(CLONE).map_err(|error| format!("{CLONE}: {error}"))?;
    let figure = |name: &str, unit, value| Figure::new(name, unit, Judged::Worst, None).with([value]);
    Ok(Measured {
        figures: vec![
            figure("step 6: cold release build", "s", seconds),
            figure("step 6: memory of the build", "MB", peak as f64 / 1e6),
            figure("step 6: the program", "MB", megabytes),
        ],
        ..Measured::default()
    })
}

/// What stands in our edition where the guide has npm.
fn build_command(differences: &str) -> Result<String, String> {
    let missing = || format!("{DIFFERENCES} has no command in the place of {IN_PLACE_OF:?}.");
    let (_, rest) = differences.split_once(IN_PLACE_OF).ok_or_else(missing)?;
    let (_, rest) = rest.split_once("```ici\n").ok_or_else(missing)?;
    let (command, _) = rest.split_once('\n').ok_or_else(missing)?;
    Ok(command.trim().to_owned())
}

/// Waits for the end: whether it succeeded, and the most bytes that it and its children had in memory at the same moment.
fn watch(child: &mut Child) -> Result<(bool, u64), String> {
    let mut peak = 0;
    loop {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            return Ok((status.success(), peak));
        }
        peak = peak.max(memory_of(child.id()));
        std::thread::sleep(LOOK);
    }
}

/// The bytes of a process and of all that it has started.
fn memory_of(root: u32) -> u64 {
    let mut parents = BTreeMap::new();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    for id in processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()) {
        // One that has ended meanwhile has no memory.
        if let Some((parent, bytes)) = fs::read_to_string(format!("/proc/{id}/status")).ok().and_then(|it| facts(&it)) {
            parents.insert(id, (parent, bytes));
        }
    }
    let mut ours = vec![root];
    let mut next = 0;
    while let Some(&parent) = ours.get(next) {
        ours.extend(parents.iter().filter(|(_, (of, _))| *of == parent).map(|(id, _)| *id));
        next += 1;
    }
    ours.iter().filter_map(|id| parents.get(id)).map(|(_, bytes)| bytes).sum()
}

/// The parent and the resident bytes of a process.
fn facts(status: &str) -> Option<(u32, u64)> {
    let number = |name: &str| -> Option<u64> {
        let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
        rest.split_whitespace().next()?.parse().ok()
    };
    Some((u32::try_from(number("PPid:")?).ok()?, number("VmRSS:").unwrap_or(0) * 1024))
}

/// Whether the machine has what a build downloads: told beside the figure, which it changes.
pub fn cache() -> &'static str {
    let home = variable("CARGO_HOME").map(Into::into).or_else(|| Some(Path::new(&variable("HOME")?).join(".cargo")));
    match home.is_some_and(|home: std::path::PathBuf| home.join("registry/cache").is_dir()) {
        true => "sources of dependencies downloaded before",
        false => "sources of dependencies downloaded during the build",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_that_of_our_edition() {
        let text = fs::read_to_string(Path::new("..").join(DIFFERENCES)).expect("the differences");
        assert_eq!(build_command(&text), Ok("cargo build --release --locked -p neopro-central".to_owned()));
        assert!(build_command("nothing").is_err());
    }

    #[test]
    fn the_memory_of_a_child_is_counted_with_ours() {
        let alone = memory_of(std::process::id());
        let mut child = Command::new("sh").args(["-c", "sleep 30; true"]).spawn().expect("sh");
        let until = Instant::now() + Duration::from_secs(10);
        while memory_of(child.id()) == 0 && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(memory_of(child.id()) > 0 && alone > memory_of(child.id()));
        child.kill().expect("it ends");
        child.wait().expect("it has ended");
        assert_eq!(facts("Name:\tx\nPPid:\t7\nVmRSS:\t  12 kB\n"), Some((7, 12 * 1024)));
        assert_eq!(facts("Name:\tx\n"), None);
    }
}
