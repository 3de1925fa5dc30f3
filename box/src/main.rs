//! `neopro-box`: see [`neopro_box::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    neopro_box::cli::run()
}
