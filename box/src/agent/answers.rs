//! Commands on one connection: kept, then acknowledged; and their answers, sent until the server has taken them.

use std::collections::HashMap;

use neopro_protocol::{Command, CommandAck};
use serde::Deserialize as _;
use serde_json::Value;
use uuid::Uuid;

use super::Agent;
use crate::link::{Asked, Ended, Link, Question};
use crate::state::{Kept, StateError};

/// How many answers are on their way at a time.
const WINDOW: usize = 8;
/// How many commands that could not be kept are tried again.
const MOST_UNKEPT: usize = 50;

/// What is open on a connection.
#[derive(Debug)]
pub(super) struct Answers {
    /// The server acknowledges answers. One of NeoPro 1 does not.
    acknowledged: bool,
    sent: HashMap<Question, (i64, Uuid)>,
    /// The number of the last answer that was sent.
    last: i64,
    /// Commands that could not be kept yet.
    unkept: Vec<(Command, Option<Asked>)>,
}

impl Answers {
    /// A new connection: nothing is on its way.
    pub fn begin() -> Self {
        Self { acknowledged: false, sent: HashMap::new(), last: 0, unkept: Vec::new() }
    }

    /// The server is known, and sends what waits.
    pub async fn welcome(&mut self, acknowledged: bool, agent: &Agent, link: &mut Link) -> Result<(), Ended> {
        self.acknowledged = acknowledged;
        self.send(agent, link).await
    }

    /// Keeps a command and then says so. One that is kept already is not done again.
    pub async fn take(
        &mut self,
        data: Value,
        asked: Option<Asked>,
        agent: &Agent,
        link: &mut Link,
    ) -> Result<(), Ended> {
        let command: Command = match serde_json::from_value(data) {
            Ok(command) => command,
            Err(error) => {
                tracing::error!(%error, "a command cannot be read");
                return Ok(());
            }
        };
        self.keep(command, asked, agent, link).await
    }

    async fn keep(
        &mut self,
        command: Command,
        asked: Option<Asked>,
        agent: &Agent,
        link: &mut Link,
    ) -> Result<(), Ended> {
        let id = command.id;
        match agent.state.keep_command(command.clone()).await {
            Ok(Kept::Full) => tracing::error!(%id, "too many commands wait: this one is not taken"),
            Ok(kept) => {
                if kept == Kept::New {
                    agent.desk.ring();
                }
                if let Some(asked) = asked {
                    link.answer(asked, &CommandAck { command_id: id }).await?;
                }
            }
            Err(error) => {
                tracing::error!(%error, %id, "a command could not be kept yet");
                if self.unkept.len() < MOST_UNKEPT && self.unkept.iter().all(|(unkept, _)| unkept.id != id) {
                    self.unkept.push((command, asked));
                }
            }
        }
        Ok(())
    }

    /// Tries again to keep what could not be kept.
    pub async fn keep_again(&mut self, agent: &Agent, link: &mut Link) -> Result<(), Ended> {
        for (command, asked) in std::mem::take(&mut self.unkept) {
            self.keep(command, asked, agent, link).await?;
        }
        Ok(())
    }

    /// Sends the answers that are not on their way, as many as may be.
    pub async fn send(&mut self, agent: &Agent, link: &mut Link) -> Result<(), Ended> {
        while self.sent.len() < WINDOW {
            let answers = match agent.state.command_answers(self.last).await {
                Ok(answers) => answers,
                Err(error) => {
                    tracing::error!(%error, "the answers to commands cannot be read");
                    return Ok(());
                }
            };
            if answers.is_empty() {
                return Ok(());
            }
            for (number, answer) in answers {
                self.last = self.last.max(number);
                if self.sent.values().any(|(sent, _)| *sent == number) {
                    continue;
                }
                if self.acknowledged {
                    let question = link.ask("command_result", &answer).await?;
                    self.sent.insert(question, (number, answer.command_id));
                } else {
                    link.emit("command_result", &answer).await?;
                    over(agent, number).await;
                }
            }
        }
        Ok(())
    }

    /// The server has said something to a question; whether that was an answer of ours.
    pub async fn heard(&mut self, to: Question, data: &Value, agent: &Agent, link: &mut Link) -> Result<bool, Ended> {
        let Some((number, id)) = self.sent.remove(&to) else { return Ok(false) };
        match CommandAck::deserialize(data) {
            Ok(ack) if ack.command_id == id => over(agent, number).await,
            // It is sent again on the next connection: at once, a server that is wrong would be asked without an end.
            _ => tracing::error!(%id, "the server acknowledges an answer in words of its own"),
        }
        self.send(agent, link).await?;
        Ok(true)
    }

    /// A question was not answered in time: if it was an answer of ours, it is sent again.
    pub async fn unanswered(&mut self, question: Question, agent: &Agent, link: &mut Link) -> Result<(), Ended> {
        if let Some((number, _)) = self.sent.remove(&question) {
            self.last = self.last.min(number - 1);
            self.send(agent, link).await?;
        }
        Ok(())
    }
}

async fn over(agent: &Agent, number: i64) {
    let noted: Result<(), StateError> = agent.state.command_over(number).await;
    if let Err(error) = noted {
        tracing::error!(%error, "it could not be noted that the server has an answer: it will get it again");
    }
}
