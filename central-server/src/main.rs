//! `neopro-central`: see [`neopro_central::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    neopro_central::cli::run()
}
