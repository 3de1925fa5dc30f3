//! Commands of the server, from the moment at which they are kept until the server has their answer; and the last ones
//! after that, so that none is done twice.

use neopro_protocol::{Command, CommandResult, CommandStatus};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::store::{durably, understood};
use super::{State, StateError};

/// The table. `state` is `waiting`, `begun`, `answered` or `over`: the server has the answer.
pub(super) const SCHEMA: &str = "
create table command (
  number integer primary key autoincrement,
  id text not null unique,
  kind text not null,
  data text not null,
  state text not null,
  answer text
) strict;
";

/// How many commands may wait or have an answer that the server has not taken.
const MOST_OPEN: i64 = 200;
/// How many are remembered when they are over.
const REMEMBERED: i64 = 1_000;
/// How many answers are read at a time.
const TOGETHER: i64 = 8;

/// What became of a command that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is kept, and is to be done.
    New,
    /// It was kept before.
    Known,
    /// There are too many already: it is not kept.
    Full,
}

impl State {
    /// Keeps a command, once: on the disk when this returns.
    ///
    /// # Errors
    /// The state has trouble.
    pub async fn keep_command(&self, command: Command) -> Result<Kept, StateError> {
        self.call(move |connection| keep(connection, &command)).await
    }

    /// The command that has waited longest, noted as begun.
    ///
    /// # Errors
    /// The state has trouble.
    pub async fn begin_command(&self) -> Result<Option<Command>, StateError> {
        self.call(begin).await
    }

    /// Commands that were begun when the box ended are answered as interrupted.
    ///
    /// # Errors
    /// The state has trouble.
    pub async fn interrupt_commands(&self) -> Result<(), StateError> {
        self.call(interrupt).await
    }

    /// Keeps the answer to a command: on the disk when this returns.
    ///
    /// # Errors
    /// The state has trouble.
    pub async fn answer_command(&self, answer: CommandResult) -> Result<(), StateError> {
        self.call(move |connection| keep_answer(connection, &answer)).await
    }

    /// The first answers that the server has not taken behind this number, each with its own.
    ///
    /// # Errors
    /// The state has trouble.
    pub async fn command_answers(&self, behind: i64) -> Result<Vec<(i64, CommandResult)>, StateError> {
        self.call(move |connection| answers(connection, behind)).await
    }

    /// The server has the answer to a command.
    ///
    /// # Errors
    /// The state has trouble.
    pub async fn command_over(&self, number: i64) -> Result<(), StateError> {
        self.call(move |connection| over(connection, number)).await
    }
}

fn keep(connection: &mut Connection, command: &Command) -> Result<Kept, StateError> {
    let id = command.id.to_string();
    let known: Option<i64> =
        connection.query_row("select number from command where id = ?1", [&id], |row| row.get(0)).optional()?;
    if known.is_some() {
        return Ok(Kept::Known);
    }
    let open: i64 = connection.query_row("select count(*) from command where state <> 'over'", [], |row| row.get(0))?;
    if open >= MOST_OPEN {
        return Ok(Kept::Full);
    }
    let data = serde_json::to_string(&command.data)?;
    durably(connection, |connection| {
        connection.execute(
            "insert into command (id, kind, data, state) values (?1, ?2, ?3, 'waiting')",
            params![id, command.kind, data],
        )?;
        Ok(Kept::New)
    })
}

fn begin(connection: &mut Connection) -> Result<Option<Command>, StateError> {
    durably(connection, |connection| {
        let sql = "update command set state = 'begun' \
             where number = (select min(number) from command where state = 'waiting') returning id, kind, data";
        let read = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get(1)?, row.get::<_, String>(2)?));
        let Some((id, kind, data)) = connection.query_row(sql, [], read).optional()? else { return Ok(None) };
        let (id, data) = (serde_json::from_value(id.into())?, serde_json::from_str(&data)?);
        Ok(Some(Command { id, kind, data }))
    })
}

fn interrupt(connection: &mut Connection) -> Result<(), StateError> {
    let begun: Vec<String> = {
        let mut statement = connection.prepare("select id from command where state = 'begun'")?;
        statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?
    };
    for id in begun {
        let answer = CommandResult {
            command_id: serde_json::from_value(id.into())?,
            status: CommandStatus::Error,
            result: None,
            error: Some("Le boîtier a redémarré pendant cette commande.".into()),
        };
        keep_answer(connection, &answer)?;
    }
    Ok(())
}

fn keep_answer(connection: &mut Connection, answer: &CommandResult) -> Result<(), StateError> {
    let (id, json) = (answer.command_id.to_string(), serde_json::to_string(answer)?);
    durably(connection, |connection| {
        // What it was asked with, secrets perhaps, is needed no more.
        connection.execute(
            "update command set state = 'answered', data = 'null', answer = ?2 where id = ?1 and state = 'begun'",
            params![id, json],
        )?;
        Ok(())
    })
}

fn answers(connection: &mut Connection, behind: i64) -> Result<Vec<(i64, CommandResult)>, StateError> {
    let mut statement = connection.prepare(
        "select number, answer from command where state = 'answered' and number > ?1 order by number limit ?2",
    )?;
    let mut rows = statement.query([behind, TOGETHER])?;
    let mut answers = Vec::new();
    while let Some(row) = rows.next()? {
        let json: String = row.get(1)?;
        if let Some(answer) = understood("an answer", serde_json::from_str(&json)) {
            answers.push((row.get(0)?, answer));
        }
    }
    Ok(answers)
}

fn over(connection: &mut Connection, number: i64) -> Result<(), StateError> {
    let transaction = connection.transaction()?;
    transaction.execute("update command set state = 'over', answer = null where number = ?1", [number])?;
    transaction.execute(
        "delete from command where state = 'over' and number not in \
           (select number from command where state = 'over' order by number desc limit ?1)",
        [REMEMBERED],
    )?;
    Ok(transaction.commit()?)
}

/// Copies what another file says.
pub(super) fn remember(from: &Connection, into: &Connection) -> Result<(), StateError> {
    let mut statement = from.prepare("select number, id, kind, data, state, answer from command")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let texts = (row.get::<_, String>(1)?, row.get::<_, String>(2)?, row.get::<_, String>(3)?);
        into.execute(
            "insert or ignore into command (number, id, kind, data, state, answer) values (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                row.get::<_, i64>(0)?,
                texts.0,
                texts.1,
                texts.2,
                row.get::<_, String>(4)?,
                row.get::<_, Option<String>>(5)?
            ],
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;
    use uuid::Uuid;

    use super::super::{FILE, Opened};
    use super::*;
    use crate::files::tests::scratch;

    fn open(folder: &Path) -> Opened {
        Opened::open(folder, Some("site")).expect("opens")
    }

    fn command(number: u128) -> Command {
        Command { id: Uuid::from_u128(number), kind: "reboot".into(), data: json!({"password": "s3cr3t"}) }
    }

    fn done(number: u128) -> CommandResult {
        let (command_id, status) = (Uuid::from_u128(number), CommandStatus::Success);
        CommandResult { command_id, status, result: Some(json!({"n": 1})), error: None }
    }

    #[tokio::test]
    async fn a_command_is_begun_once_whatever_happens_in_between() {
        let folder = scratch("state-commands");
        let opened = open(&folder);
        for number in [1, 2] {
            assert_eq!(opened.state.keep_command(command(number)).await.expect("kept"), Kept::New);
            assert_eq!(opened.state.keep_command(command(number)).await.expect("kept"), Kept::Known);
        }
        opened.close();
        // Killed between keeping and beginning: it is begun. Killed after that: it is interrupted, and not begun again.
        let opened = open(&folder);
        opened.state.interrupt_commands().await.expect("read");
        assert_eq!(opened.state.begin_command().await.expect("read"), Some(command(1)));
        opened.close();
        let opened = open(&folder);
        let state = &opened.state;
        state.interrupt_commands().await.expect("read");
        let answers = state.command_answers(0).await.expect("read");
        assert_eq!((answers.len(), answers[0].1.status, answers[0].0), (1, CommandStatus::Error, 1));
        assert_eq!(state.begin_command().await.expect("read"), Some(command(2)));
        state.answer_command(done(2)).await.expect("kept");
        // What is answered already keeps its first answer.
        state.answer_command(done(1)).await.expect("no trouble");
        assert_eq!(state.begin_command().await.expect("read"), None);
        opened.close();
        let opened = open(&folder);
        let answers = opened.state.command_answers(0).await.expect("read");
        assert_eq!(
            answers.iter().map(|(number, answer)| (*number, answer.status)).collect::<Vec<_>>(),
            [(1, CommandStatus::Error), (2, CommandStatus::Success)]
        );
        assert_eq!(opened.state.command_answers(1).await.expect("read"), [(2, done(2))]);
        opened.state.command_over(2).await.expect("noted");
        assert_eq!(opened.state.command_answers(1).await.expect("read"), []);
        assert_eq!(opened.state.keep_command(command(2)).await.expect("kept"), Kept::Known, "also when it is over");
        opened.close();
        let file = Connection::open(folder.join(FILE)).expect("opens");
        let secrets = "select count(*) from command where data like '%s3cr3t%'";
        let kept: i64 = file.query_row(secrets, [], |row| row.get(0)).expect("a count");
        assert_eq!(kept, 0, "what a command was asked with is needed no more");
        drop(file);
        let another = Opened::open(&folder, Some("another")).expect("opens");
        assert_eq!(another.state.command_answers(0).await.expect("read"), [], "another site's are forgotten");
    }

    #[tokio::test]
    async fn commands_are_bounded_and_remembered_on_a_card_that_cannot_be_written() {
        let folder = scratch("state-commands-bounds");
        let opened = open(&folder);
        for number in 0..u128::try_from(MOST_OPEN).expect("small") {
            assert_eq!(opened.state.keep_command(command(number)).await.expect("kept"), Kept::New);
        }
        assert_eq!(opened.state.keep_command(command(9_999)).await.expect("no trouble"), Kept::Full);
        assert_eq!(opened.state.keep_command(command(3)).await.expect("no trouble"), Kept::Known);
        opened.close();
        std::fs::create_dir(folder.join("state.sqlite-wal")).expect("a folder");
        let opened = open(&folder);
        assert!(opened.forgetful.is_some());
        assert_eq!(opened.state.keep_command(command(3)).await.expect("no trouble"), Kept::Known);
        for _ in 0..MOST_OPEN {
            let begun = opened.state.begin_command().await.expect("read").expect("one more");
            opened.state.answer_command(done(begun.id.as_u128())).await.expect("kept");
        }
        assert_eq!(opened.state.command_answers(0).await.expect("read").len(), 8);
    }

    #[tokio::test]
    async fn a_state_of_the_first_version_learns_commands() {
        let folder = scratch("state-commands-old");
        let opened = open(&folder);
        opened.state.keep_origins(vec!["https://a".into()]).await.expect("kept");
        opened.close();
        let old = Connection::open(folder.join(FILE)).expect("opens");
        old.execute_batch("drop table command; pragma user_version = 1;").expect("as it was");
        drop(old);
        let opened = open(&folder);
        assert!(opened.set_aside.is_none() && opened.forgetful.is_none(), "{:?}", opened.forgetful);
        assert_eq!(opened.state.wanted().await.expect("read").origins, ["https://a"]);
        assert_eq!(opened.state.keep_command(command(1)).await.expect("kept"), Kept::New);
    }
}
