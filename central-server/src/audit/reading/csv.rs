//! The journal as a file for spreadsheets.

use std::collections::VecDeque;

use bytes::Bytes;
use futures_util::{Stream, stream};
use serde_json::Value;
use uuid::Uuid;

use super::{Filter, Log, store};
use crate::auth::Caller;
use crate::clock::{Clock, Time};
use crate::db::Error;

/// How many entries are read at a time.
const TOGETHER: i64 = 1_000;

/// What a spreadsheet needs to see UTF-8, and the columns.
const HEAD: &str = "\u{feff}date;action;utilisateur;identifiant utilisateur;type de cible;identifiant cible;cible;détails;\
    avant;après;adresse;navigateur;session;jeton;numéro;identifiant\r\n";

/// The file's bytes. Each piece is read with the session proven anew: who loses it gets no further.
pub fn file(
    caller: Caller,
    clock: Clock,
    filter: Filter,
    first: Vec<Log>,
) -> impl Stream<Item = Result<Bytes, Error>> + Send {
    let start = Export { caller, clock, filter, ready: VecDeque::from([first]), last: None, is_over: false };
    let head = stream::iter([Ok(Bytes::from_static(HEAD.as_bytes()))]);
    futures_util::StreamExt::chain(head, stream::try_unfold(start, Export::next))
}

/// The first entries, before anything is sent: what is wrong with the request is an answer of its own then.
pub fn beginning(caller: &Caller, filter: &Filter) -> crate::db::Query<Vec<Log>> {
    store::behind(caller.scope(), filter, None, TOGETHER).map(|rows| rows.into_iter().map(Log::from).collect())
}

struct Export {
    caller: Caller,
    clock: Clock,
    filter: Filter,
    ready: VecDeque<Vec<Log>>,
    last: Option<(Time, Uuid)>,
    is_over: bool,
}

impl Export {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, Error> {
        if self.is_over {
            return Ok(None);
        }
        let logs = match self.ready.pop_front() {
            Some(logs) => logs,
            None => {
                let more = store::behind(self.caller.scope(), &self.filter, self.last, TOGETHER);
                let rows = self.caller.at(self.clock.now()).run(more).await?;
                rows.into_iter().map(Log::from).collect()
            }
        };
        self.last = logs.last().map(|log| (log.created_at, log.id));
        // Fewer than were asked for: there are no more behind them.
        self.is_over = i64::try_from(logs.len()).is_ok_and(|count| count < TOGETHER);
        let mut text = String::with_capacity(logs.len() * 400);
        for log in &logs {
            line(&mut text, log);
        }
        Ok(Some((text.into(), self)))
    }
}

fn line(text: &mut String, log: &Log) {
    let id = |id: Option<Uuid>| id.map(|id| id.to_string());
    let json = |value: &Option<Value>| value.as_ref().map(Value::to_string);
    let cells = [
        Some(log.created_at.to_string()),
        Some(log.action.clone()),
        log.user_email.clone(),
        id(log.user_id.map(|user| user.0)),
        log.target_type.clone(),
        log.target_id.clone(),
        log.target_name.clone(),
        json(&log.details),
        json(&log.before),
        json(&log.after),
        log.ip_address.clone(),
        log.user_agent.clone(),
        id(log.session_id),
        id(log.token_id),
        log.number.map(|number| number.to_string()),
        id(Some(log.id)),
    ];
    for (index, value) in cells.iter().enumerate() {
        if index > 0 {
            text.push(';');
        }
        cell(text, value.as_deref().unwrap_or_default());
    }
    text.push_str("\r\n");
}

/// A cell. What a spreadsheet would take for a formula begins with an apostrophe, which makes it a text: names and
/// browsers are what anybody may have typed.
fn cell(text: &mut String, value: &str) {
    let is_formula = value.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
        || value.starts_with(['\t', '\r', '\n']);
    if !is_formula && !value.contains([';', ',', '"', '\r', '\n', '\t']) {
        return text.push_str(value);
    }
    text.push('"');
    if is_formula {
        text.push('\'');
    }
    text.push_str(&value.replace('"', "\"\""));
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: &str) -> String {
        let mut text = String::new();
        cell(&mut text, value);
        text
    }

    #[test]
    fn a_cell_is_one_cell_and_no_formula() {
        for (value, expected) in [
            ("Élan", "Élan"),
            ("a;b", "\"a;b\""),
            ("say \"no\"", "\"say \"\"no\"\"\""),
            ("two\r\nlines", "\"two\r\nlines\""),
            ("=1+1", "\"'=1+1\""),
            ("+33 6", "\"'+33 6\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("  =cmd|' /C calc'!A0", "\"'  =cmd|' /C calc'!A0\""),
            ("\t=1", "\"'\t=1\""),
            ("", ""),
        ] {
            assert_eq!(written(value), expected, "{value:?}");
        }
    }
}
