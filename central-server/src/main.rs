//! `neopro-central`: see [`neopro_central::cli`].

use std::process::ExitCode;

use mimalloc::MiMalloc;

// Gives back what a fleet has needed that came all at once; the system's keeps most of it (docs/performance.md).
#[global_allocator]
static MEMORY: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    neopro_central::cli::run()
}
