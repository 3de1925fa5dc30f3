//! Commands of the server: done in the order in which they came, once, and answered until the server has the answer.
//!
//! A command is on the disk before it is acknowledged, noted as begun before it is done, and its answer is on the disk
//! before it is sent. So a box that is killed at any moment neither forgets a command nor does one twice: one that it
//! had begun and cannot have ended is answered as interrupted.

mod machine;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use neopro_protocol::{Command, CommandResult, CommandStatus};
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};

use crate::configuration::Current;
use crate::state::State;
use crate::system::Figures;

/// How long it is waited before the state is asked again after it had trouble.
const AGAIN: Duration = Duration::from_secs(5);
/// The largest answer in bytes, as the server keeps it.
const LARGEST: usize = 2_000_000;
/// What a box of NeoPro 1 says without a document. Dashboards compare it.
const NO_DOCUMENT: &str = "No configuration file found";

/// Does what is asked for.
pub struct Worker {
    state: State,
    configuration: watch::Receiver<Arc<Current>>,
    videos: PathBuf,
    bell: Arc<Notify>,
    done: watch::Sender<()>,
    figures: Figures,
}

/// The way to the worker.
#[derive(Debug)]
pub struct Desk {
    bell: Arc<Notify>,
    done: watch::Receiver<()>,
}

impl Desk {
    /// A command was kept.
    pub fn ring(&self) {
        self.bell.notify_one();
    }

    /// Waits until another command is answered; `false` when there will be none.
    pub async fn changed(&mut self) -> bool {
        self.done.changed().await.is_ok()
    }
}

impl Worker {
    /// A worker that has not begun. `videos` is the folder whose disk is measured.
    #[must_use]
    pub fn open(state: State, configuration: watch::Receiver<Arc<Current>>, videos: PathBuf) -> (Self, Desk) {
        let (bell, (done, answered)) = (Arc::new(Notify::new()), watch::channel(()));
        let desk = Desk { bell: bell.clone(), done: answered };
        (Self { state, configuration, videos, bell, done, figures: Figures::default() }, desk)
    }

    /// Works for as long as the box runs.
    pub async fn run(mut self) {
        while let Err(error) = self.state.interrupt_commands().await {
            tracing::error!(%error, "it is not known which commands were begun");
            tokio::time::sleep(AGAIN).await;
        }
        self.done.send_replace(());
        loop {
            match self.state.begin_command().await {
                Ok(Some(command)) => self.work(command).await,
                Ok(None) => self.bell.notified().await,
                Err(error) => {
                    tracing::error!(%error, "commands that wait cannot be read");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }

    async fn work(&mut self, command: Command) {
        tracing::info!(id = %command.id, kind = command.kind, "a command is done");
        let answer = answer(&command, self.carry_out(&command));
        // What was done is not done again: its answer is tried until the disk takes it.
        while let Err(error) = self.state.answer_command(answer.clone()).await {
            tracing::error!(%error, id = %command.id, "the answer to a command could not be kept");
            tokio::time::sleep(AGAIN).await;
        }
        self.done.send_replace(());
    }

    fn carry_out(&mut self, command: &Command) -> Result<Value, String> {
        match command.kind.as_str() {
            "get_system_info" => Ok(machine::describe(self.figures.read(&self.videos))),
            "get_config" => {
                let current = self.configuration.borrow().clone();
                Ok(match &current.mirror {
                    Some(mirror) => json!({ "success": true, "configuration": mirror.document }),
                    None => json!({ "success": true, "configuration": null, "message": NO_DOCUMENT }),
                })
            }
            kind => Err(format!("Cette version du boîtier ne connaît pas la commande « {kind} ».")),
        }
    }
}

fn answer(command: &Command, done: Result<Value, String>) -> CommandResult {
    let done = done.and_then(|result| match result.to_string().len() {
        bytes if bytes > LARGEST => Err(format!("La réponse est trop longue ({bytes} octets).")),
        _ => Ok(result),
    });
    let (status, result, error) = match done {
        Ok(result) => (CommandStatus::Success, Some(result), None),
        Err(error) => (CommandStatus::Error, None, Some(error)),
    };
    CommandResult { command_id: command.id, status, result, error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_too_long_for_the_server_says_so() {
        let command = Command { id: uuid::Uuid::nil(), kind: "get_config".into(), data: Value::Null };
        let short = answer(&command, Ok(json!({"configuration": {}})));
        assert_eq!((short.status, short.error), (CommandStatus::Success, None));
        let long = answer(&command, Ok(json!({"configuration": "x".repeat(LARGEST)})));
        assert_eq!((long.status, long.result), (CommandStatus::Error, None));
        assert!(long.error.is_some_and(|error| error.contains("trop longue")));
    }
}
