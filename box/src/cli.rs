//! The command line.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// NeoPro, le boîtier : garde les fichiers du site comme le serveur central les veut, et les joue sur la TV.
#[derive(Debug, Parser)]
#[command(name = "neopro-box", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Fait tourner le boîtier jusqu'à ce qu'on l'arrête (SIGTERM).
    ///
    /// Réglages : le fichier CONFIG_FILE (/etc/neopro/site.conf), puis NEOPRO_ROOT/sync-agent/config/.env ; les
    /// variables d'environnement passent avant les deux.
    Run,
}

/// Runs what the command line says.
#[must_use]
pub fn run() -> ExitCode {
    match Arguments::parse().command {
        Command::Run => crate::run::run(),
    }
}
