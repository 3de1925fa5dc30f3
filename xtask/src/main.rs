//! The developer commands: `cargo xtask help` lists them.

mod bench;
mod check;
mod demo;
mod dependencies;
mod fuzz;
mod generate;
mod packages;
mod pages;
mod programs;
mod python;
mod soak;
mod steps;
mod test;
mod third_party;
mod versions;

use std::process::ExitCode;

use steps::Outcome;

/// A word on the command line, what its arguments are, what it does, and the function that does it.
struct Command {
    name: &'static str,
    arguments: &'static str,
    does: &'static str,
    run: fn(&[String]) -> Outcome,
}

const COMMANDS: [Command; 9] = [
    Command {
        name: "demo",
        arguments: "[--fleet N] [--fresh]",
        does: "shows the whole on this machine: server, database, two boxes, clubs, videos; and N simulated boxes",
        run: demo::run,
    },
    Command {
        name: "check",
        arguments: "",
        does: "formatting, clippy, layout rules, links, secrets, dependency policy, generated files fresh",
        run: |_| check::run(),
    },
    Command {
        name: "generate",
        arguments: "",
        does: "writes the generated files that are committed: the API description, the SQL scripts, THIRD_PARTY.md",
        run: |_| generate::run(),
    },
    Command {
        name: "pages",
        arguments: "",
        does: "builds the pages of the box, which its program carries, if they are older than their sources",
        run: |_| pages::ensure(),
    },
    Command {
        name: "test",
        arguments: "[filter…]",
        does: "installs the programs that the tests need, where they are missing, and runs every test and the fuzzing slices",
        run: test::run,
    },
    Command {
        name: "bench",
        arguments: "[part…]",
        does: "measures the figures of the README on this machine and compares them with their goals (half an hour)",
        run: bench::run,
    },
    Command {
        name: "soak",
        arguments: "[name…] | versions REVISION",
        does: "runs the long repetitions whole, of which the tests run a slice",
        run: soak::run,
    },
    Command {
        name: "gallery",
        arguments: "",
        does: "takes and judges pictures of every page of the dashboard: target/gallery/index.html (twenty minutes)",
        run: |_| soak::gallery(),
    },
    Command { name: "help", arguments: "", does: "this list", run: |_| help() },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (name, rest) = match arguments.split_first() {
        Some((name, rest)) => (name.as_str(), rest),
        None => ("help", &arguments[..]),
    };
    match steps::enter_repository().and_then(|()| dispatch(name, rest)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("{sentence}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(name: &str, arguments: &[String]) -> Outcome {
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        return Err(format!("There is no command \"{name}\". `cargo xtask help` lists them."));
    };
    if command.arguments.is_empty() && !arguments.is_empty() {
        return Err(format!("`cargo xtask {name}` takes no arguments."));
    }
    let start = std::time::Instant::now();
    let outcome = (command.run)(arguments);
    if name != "help" {
        println!("{name}: {:.1} s in total", start.elapsed().as_secs_f64());
    }
    outcome
}

fn help() -> Outcome {
    for Command { name, arguments, does, .. } in &COMMANDS {
        println!("cargo xtask {:<26} {does}", format!("{name} {arguments}"));
    }
    Ok(())
}
