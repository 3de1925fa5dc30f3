//! Reads variables one by one and keeps what is wrong with them, so that a start tells everything at once.

use std::ops::RangeInclusive;
use std::time::SystemTime;

use super::{Gravity, Loaded, Mode, Note, Notes, Problem, Problems, Secret, Variable, placeholder, words};
use crate::words::{Said, step};

/// A problem is noted; nothing more can be said about the value. Only [`Reader::refuse`] makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refused(());

/// What reading must know besides the variables.
#[derive(Debug, Clone, Copy)]
pub(super) struct Surroundings {
    /// For keys with an expiry date.
    pub now: SystemTime,
    /// The process runs as root, which moves the default data folder.
    pub root: bool,
}

pub(super) struct Reader<'a> {
    source: &'a dyn Fn(&str) -> Option<String>,
    pub surroundings: Surroundings,
    mode: Mode,
    problems: Vec<Problem>,
    warnings: Vec<String>,
    notes: Notes,
}

impl<'a> Reader<'a> {
    /// Starts with `NODE_ENV`, on which the other rules depend.
    pub fn new(source: &'a dyn Fn(&str) -> Option<String>, surroundings: Surroundings) -> Self {
        let mut r = Self {
            source,
            surroundings,
            mode: Mode::Development,
            problems: vec![],
            warnings: vec![],
            notes: Notes::default(),
        };
        r.mode = r.read_mode();
        r
    }

    fn read_mode(&mut self) -> Mode {
        let Ok(value) = self.text("NODE_ENV") else {
            return Mode::Development;
        };
        match value.as_deref() {
            None => {
                if self.is_true("RENDER") {
                    self.warn("NODE_ENV", words::NODE_ENV_ON_RENDER);
                }
                Mode::Development
            }
            Some("development") => Mode::Development,
            Some("production") => Mode::Production,
            Some(other) => {
                self.refuse("NODE_ENV", words::NODE_ENV_OTHER);
                // What else is missing should be told in the same message to whoever meant production.
                if other.to_ascii_lowercase().starts_with("prod") { Mode::Production } else { Mode::Development }
            }
        }
    }

    /// The mode that decides how strict the rules are.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    pub fn production(&self) -> bool {
        self.mode == Mode::Production
    }

    /// Notes a problem; its step and command come from the variable's definition.
    pub fn refuse(&mut self, variable: &'static str, what: impl Into<Said>) -> Refused {
        let problem = Problem::of(variable, what.into());
        self.note(Gravity::Problem, problem.clone());
        self.problems.push(problem);
        Refused(())
    }

    /// Notes something that does not keep the server from starting.
    pub fn warn(&mut self, variable: &'static str, what: impl Into<Said>) {
        self.warn_as(Gravity::Warning, variable, what.into());
    }

    /// The same, where something that was asked for does not work at all.
    pub fn fault(&mut self, variable: &'static str, what: impl Into<Said>) {
        self.warn_as(Gravity::Fault, variable, what.into());
    }

    fn warn_as(&mut self, gravity: Gravity, variable: &'static str, what: Said) {
        self.warnings.push(format!("{variable} : {}", what.french()));
        self.note(gravity, Problem::of(variable, what));
    }

    /// Notes what works as well, for who looks closely; a start does not speak of it.
    pub fn remark(&mut self, variable: &'static str, what: impl Into<Said>) {
        self.note(Gravity::Remark, Problem::of(variable, what.into()));
    }

    fn note(&mut self, gravity: Gravity, problem: Problem) {
        self.notes.0.push(Note { gravity, problem });
    }

    /// All that was noted so far.
    pub fn notes(&self) -> Notes {
        self.notes.clone()
    }

    /// The configuration if no problem was noted.
    pub fn finish<C>(self, config: Result<C, Refused>) -> Result<Loaded<C>, Problems> {
        match config {
            Ok(config) if self.problems.is_empty() => Ok(Loaded { config, warnings: self.warnings }),
            _ => Err(Problems(self.problems)),
        }
    }

    /// The value without what a form or a terminal adds around it; none if unset or empty. Placeholders are refused.
    pub fn text(&mut self, variable: &'static str) -> Result<Option<String>, Refused> {
        let Some(raw) = (self.source)(variable) else {
            return Ok(None);
        };
        let value = self.clean(variable, &raw);
        let pem = value.contains("-----BEGIN ");
        if value.is_empty() {
            return Ok(None);
        }
        if value.contains('\u{FFFD}') || (!pem && value.chars().any(char::is_control)) {
            return Err(self.refuse(variable, words::UNREADABLE_VALUE));
        }
        let opaque = pem || Variable::find(variable).is_some_and(|known| known.secret);
        let placeholders = placeholder::left_in(&value, opaque);
        if !placeholders.is_empty() {
            let list: Vec<String> = placeholders.iter().map(|text| format!("« {text} »")).collect();
            return Err(self.refuse(variable, Said::new(words::PLACEHOLDER).with("list", list.join(", "))));
        }
        Ok(Some(value))
    }

    fn clean(&mut self, variable: &'static str, raw: &str) -> String {
        let blank = |c: char| c.is_whitespace() || matches!(c, '\u{FEFF}' | '\u{200B}');
        let trimmed = raw.trim_matches(blank);
        let mut value = trimmed;
        let mut removed = Vec::new();
        if trimmed.len() < raw.len() && !trimmed.contains("-----BEGIN ") {
            removed.push(Said::new(words::REMOVED_BLANKS));
        }
        if let Some(inner) = value.strip_prefix(variable).and_then(|rest| rest.trim_start().strip_prefix('=')) {
            value = inner.trim_matches(blank);
            removed.push(Said::new(words::REMOVED_NAME));
        }
        let pairs = [('"', '"'), ('\'', '\''), ('`', '`'), ('“', '”')];
        if let Some(inner) = pairs.iter().find_map(|(open, close)| value.strip_prefix(*open)?.strip_suffix(*close)) {
            value = inner.trim_matches(blank);
            removed.push(Said::new(words::REMOVED_QUOTES));
        }
        if !value.is_empty() && !removed.is_empty() {
            let removed = words::joined(words::AND, ("first", "second"), removed);
            let said = match Variable::find(variable) {
                Some(known) => Said::new(words::CLEANED_WITH)
                    .with_words("step", step(known.step))
                    .with_words("form", words::form(known)),
                None => Said::new(words::CLEANED),
            };
            self.warn(variable, said.with_words("removed", removed));
        }
        value.to_owned()
    }

    /// Like [`Self::text`], and a problem if there is none in production.
    pub fn required(&mut self, variable: &'static str) -> Result<Option<String>, Refused> {
        match self.text(variable)? {
            None if self.production() => Err(self.missing(variable)),
            value => Ok(value),
        }
    }

    /// Notes that a variable without which production does not start is unset.
    pub fn missing(&mut self, variable: &'static str) -> Refused {
        let form = Variable::find(variable).map_or_else(|| words::as_it_is(""), words::form);
        self.refuse(variable, Said::new(words::MISSING).with_words("form", form))
    }

    /// Like [`Self::text`], and in production a warning that names the default when there is no value.
    pub fn text_or_default(&mut self, variable: &'static str) -> Result<Option<String>, Refused> {
        let value = self.text(variable)?;
        if let (None, true, Some(known)) = (&value, self.production(), Variable::find(variable)) {
            let default = known.default.unwrap_or_default();
            let said = Said::new(words::DEFAULT_USED).with("default", default).with_words("step", step(known.step));
            self.warn(variable, said);
        }
        Ok(value)
    }

    pub fn secret(&mut self, variable: &'static str) -> Result<Option<Secret>, Refused> {
        Ok(self.text(variable)?.map(Secret::new))
    }

    /// A whole number within `range`; none if unset.
    pub fn number(&mut self, variable: &'static str, range: RangeInclusive<usize>) -> Result<Option<usize>, Refused> {
        let Some(value) = self.text(variable)? else {
            return Ok(None);
        };
        let digits = value.bytes().all(|b| b.is_ascii_digit());
        match value.parse::<usize>() {
            Ok(number) if digits && range.contains(&number) => Ok(Some(number)),
            _ => {
                let (least, most) = range.into_inner();
                Err(self.refuse(variable, Said::new(words::NOT_A_NUMBER).with("least", least).with("most", most)))
            }
        }
    }

    /// `true`/`1` or `false`/`0`; none if unset.
    pub fn flag(&mut self, variable: &'static str) -> Result<Option<bool>, Refused> {
        let value = self.text(variable)?.map(|value| value.to_ascii_lowercase());
        match value.as_deref() {
            None => Ok(None),
            Some("true" | "1") => Ok(Some(true)),
            Some("false" | "0") => Ok(Some(false)),
            Some(_) => Err(self.refuse(variable, words::NOT_A_FLAG)),
        }
    }

    /// For a variable that the platform sets: exactly `true`, anything else is no.
    pub fn is_true(&self, variable: &str) -> bool {
        self.untouched(variable).is_some_and(|value| value.trim() == "true")
    }

    /// A variable that is not ours (`HOME`) or that the platform sets, as it is.
    pub fn untouched(&self, variable: &str) -> Option<String> {
        (self.source)(variable).filter(|value| !value.is_empty())
    }
}
