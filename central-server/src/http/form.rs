//! Reading what people and programs send, field by field, so that *every* mistake is reported at once.
//!
//! One reader for JSON bodies and query strings. It refuses what the database could not store (control
//! characters, NUL) in the words of the person who typed it, and treats `""` as absent where a value is
//! optional, since old forms send it.

use std::ops::RangeInclusive;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::clock::Time;
use crate::error::{Error, FieldProblem, Mistake};

/// A type that can be read from a form.
pub trait FromForm: Sized + Send {
    /// The most bytes of a JSON body. Small by default: bodies are held in memory, and anybody may send one.
    const LIMIT: usize = 16 * 1024;

    /// Reads the fields. `None` only after a problem was noted.
    fn read(form: &mut Form) -> Option<Self>;
}

/// The fields of a request and what is wrong with them. Unknown fields are ignored.
#[derive(Debug, Default)]
pub struct Form {
    values: Map<String, Value>,
    path: String,
    problems: Vec<FieldProblem>,
}

impl Form {
    /// A form over these fields.
    #[must_use]
    pub fn new(values: Map<String, Value>) -> Self {
        Self { values, ..Self::default() }
    }

    /// Reads a whole request.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every problem.
    pub fn into<T: FromForm>(mut self) -> Result<T, Error> {
        match T::read(&mut self) {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(Error::Invalid(self.problems)),
        }
    }

    /// Notes what is wrong with a field.
    pub fn problem(&mut self, field: &str, message: impl Into<String>) {
        self.mistake(field, Mistake::WRONG, message);
    }

    fn mistake(&mut self, field: &str, kind: Mistake, message: impl Into<String>) {
        let field = self.full_name(field);
        self.problems.push(FieldProblem { field, message: message.into(), kind });
    }

    /// Whether the field was sent at all, `null` included: the difference between "clear" and "leave".
    #[must_use]
    pub fn has(&self, field: &str) -> bool {
        self.values.contains_key(field)
    }

    /// Whether something was found wrong with this field already.
    #[must_use]
    pub fn has_problem(&self, field: &str) -> bool {
        let field = self.full_name(field);
        self.problems.iter().any(|problem| problem.field == field || problem.field.starts_with(&format!("{field}.")))
    }

    fn full_name(&self, field: &str) -> String {
        if self.path.is_empty() { field.to_owned() } else { format!("{}.{field}", self.path) }
    }

    /// The field's value; `null` counts as absent.
    fn take(&mut self, field: &str) -> Option<Value> {
        self.values.remove(field).filter(|value| !value.is_null())
    }

    /// A line of text that has to be there, trimmed, of at most `max` characters.
    pub fn text(&mut self, field: &str, max: usize) -> Option<String> {
        let before = self.problems.len();
        let text = self.optional_text(field, max);
        if text.is_none() && self.problems.len() == before {
            self.mistake(field, Mistake::REQUIRED, "Ce champ est obligatoire.");
        }
        text
    }

    /// A line of text that may be absent or empty.
    pub fn optional_text(&mut self, field: &str, max: usize) -> Option<String> {
        let value = self.take(field)?;
        match line(&value, max) {
            Ok(text) if text.is_empty() => None,
            Ok(text) => Some(text),
            Err((kind, message)) => {
                self.mistake(field, kind, message);
                None
            }
        }
    }

    /// A secret: as it was typed, of `min` to 1024 bytes, and never repeated in a message.
    pub fn secret(&mut self, field: &str, min: usize) -> Option<String> {
        match self.take(field) {
            Some(Value::String(text)) if text.chars().count() >= min && text.len() <= 1024 => Some(text),
            Some(Value::String(text)) if text.len() > 1024 => {
                self.mistake(field, Mistake::too_long(1024), "Ce texte est trop long (1024 octets au plus).");
                None
            }
            Some(Value::String(_)) => {
                self.problem(field, format!("Au moins {min} caractères sont nécessaires."));
                None
            }
            Some(_) => {
                self.problem(field, "Un texte est attendu.");
                None
            }
            None => {
                self.mistake(field, Mistake::REQUIRED, "Ce champ est obligatoire.");
                None
            }
        }
    }

    /// A secret that may be absent.
    pub fn optional_secret(&mut self, field: &str, min: usize) -> Option<String> {
        let is_there = self.values.get(field).is_some_and(|value| !value.is_null());
        is_there.then(|| self.secret(field, min)).flatten()
    }

    /// An e-mail address that may be absent or empty.
    pub fn optional_email(&mut self, field: &str) -> Option<String> {
        let text = self.optional_text(field, 255)?;
        if is_email(&text) {
            return Some(text);
        }
        self.problem(field, "Cette adresse e-mail n'est pas valide.");
        None
    }

    /// An e-mail address that has to be there.
    pub fn email(&mut self, field: &str) -> Option<String> {
        let text = self.text(field, 255)?;
        if is_email(&text) {
            return Some(text);
        }
        self.problem(field, "Cette adresse e-mail n'est pas valide.");
        None
    }

    /// A whole number, also as digits in a text (a query string has nothing else).
    pub fn integer(&mut self, field: &str, range: RangeInclusive<i64>) -> Option<i64> {
        let value = self.take(field)?;
        let number = match &value {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_i64(),
        };
        match number {
            Some(number) if range.contains(&number) => Some(number),
            _ => {
                self.problem(field, format!("Un nombre entier de {} à {} est attendu.", range.start(), range.end()));
                None
            }
        }
    }

    /// A number within a range that has to be there.
    pub fn number(&mut self, field: &str, range: RangeInclusive<f64>) -> Option<f64> {
        let number = self.take(field).and_then(|value| value.as_f64()).filter(|number| range.contains(number));
        if number.is_none() {
            self.problem(field, format!("Un nombre de {} à {} est attendu.", range.start(), range.end()));
        }
        number
    }

    /// `true` or `false`, also as a text (a query string has nothing else).
    pub fn flag(&mut self, field: &str) -> Option<bool> {
        match self.take(field)? {
            Value::Bool(flag) => Some(flag),
            Value::String(text) if text == "true" => Some(true),
            Value::String(text) if text == "false" => Some(false),
            _ => {
                self.problem(field, "true ou false est attendu.");
                None
            }
        }
    }

    /// One of a closed list of words.
    pub fn choice<T: FromStr>(&mut self, field: &str, words: &str) -> Option<T> {
        let text = self.optional_text(field, 64)?;
        if let Ok(choice) = text.parse() {
            return Some(choice);
        }
        self.problem(field, format!("Valeurs possibles : {words}."));
        None
    }

    /// A list of at most `most` lines of text.
    pub fn lines(&mut self, field: &str, most: usize, max: usize) -> Option<Vec<String>> {
        let Value::Array(values) = self.take(field)? else {
            self.problem(field, "Une liste de textes est attendue.");
            return None;
        };
        if values.len() > most {
            self.mistake(field, Mistake::too_many(most), format!("{most} éléments au plus sont acceptés."));
            return None;
        }
        let mut lines = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            match line(value, max) {
                Ok(text) => lines.push(text),
                Err((kind, message)) => self.mistake(&format!("{field}.{index}"), kind, message),
            }
        }
        Some(lines)
    }

    /// A list of at most `most` ids.
    pub fn ids<T: FromStr>(&mut self, field: &str, most: usize) -> Option<Vec<T>> {
        let texts = self.lines(field, most, 64)?;
        let mut ids = Vec::with_capacity(texts.len());
        for (index, text) in texts.iter().enumerate() {
            match text.parse() {
                Ok(id) => ids.push(id),
                Err(_) => self.problem(&format!("{field}.{index}"), "Un identifiant est attendu."),
            }
        }
        Some(ids)
    }

    /// An id that has to be there.
    pub fn id<T: FromStr>(&mut self, field: &str) -> Option<T> {
        let text = self.text(field, 64)?;
        let id = text.parse().ok();
        if id.is_none() {
            self.problem(field, "Un identifiant est attendu.");
        }
        id
    }

    /// A moment, with its offset from UTC.
    pub fn moment(&mut self, field: &str) -> Option<Time> {
        let text = self.optional_text(field, 64)?;
        let moment = text.parse().ok();
        if moment.is_none() {
            self.problem(field, "Une date avec son décalage est attendue, comme 2026-12-31T18:30:00+01:00.");
        }
        moment
    }

    /// An id that may be absent.
    pub fn optional_id<T: FromStr>(&mut self, field: &str) -> Option<T> {
        let text = self.optional_text(field, 64)?;
        let id = text.parse().ok();
        if id.is_none() {
            self.problem(field, "Un identifiant est attendu.");
        }
        id
    }

    /// An object of a program's own, kept as it is: at most 16 kB, without what the database cannot store.
    pub fn object(&mut self, field: &str) -> Option<Value> {
        self.object_within(field, 16)
    }

    /// The same, of at most so many kilobytes.
    pub fn object_within(&mut self, field: &str, kilobytes: usize) -> Option<Value> {
        let value = self.take(field)?;
        let text = value.to_string();
        if value.is_object() && text.len() <= kilobytes * 1024 && !text.contains("\\u0000") {
            return Some(value);
        }
        self.problem(field, format!("Un objet d'au plus {kilobytes} ko est attendu."));
        None
    }

    /// A list of at most `most` objects.
    pub fn list<T: FromForm>(&mut self, field: &str, most: usize) -> Option<Vec<T>> {
        let Value::Array(values) = self.take(field)? else {
            self.problem(field, "Une liste d'objets est attendue.");
            return None;
        };
        if values.len() > most {
            self.mistake(field, Mistake::too_many(most), format!("{most} éléments au plus sont acceptés."));
            return None;
        }
        let mut list = Vec::with_capacity(values.len());
        for (index, value) in values.into_iter().enumerate() {
            let field = format!("{field}.{index}");
            let Value::Object(values) = value else {
                self.problem(&field, "Un objet est attendu.");
                continue;
            };
            let mut inner = Self { values, path: self.full_name(&field), problems: Vec::new() };
            list.extend(T::read(&mut inner));
            self.problems.append(&mut inner.problems);
        }
        Some(list)
    }

    /// An object within the object; an absent one is read as one without fields.
    pub fn part<T: FromForm>(&mut self, field: &str) -> Option<T> {
        if self.values.get(field).is_none_or(Value::is_null) {
            self.values.insert(field.to_owned(), Value::Object(Map::new()));
        }
        self.nested(field)
    }

    /// An object within the object.
    pub fn nested<T: FromForm>(&mut self, field: &str) -> Option<T> {
        let Value::Object(values) = self.take(field)? else {
            self.problem(field, "Un objet est attendu.");
            return None;
        };
        let path = self.full_name(field);
        let mut inner = Self { values, path, problems: Vec::new() };
        let value = T::read(&mut inner);
        self.problems.append(&mut inner.problems);
        value
    }
}

/// A trimmed line without control characters.
fn line(value: &Value, max: usize) -> Result<String, (Mistake, String)> {
    let wrong = |message: &str| Err((Mistake::WRONG, message.to_owned()));
    let Value::String(text) = value else { return wrong("Un texte est attendu.") };
    let text = text.trim();
    if text.chars().any(char::is_control) {
        return wrong("Ce texte contient des caractères invisibles qui ne sont pas acceptés.");
    }
    if text.chars().count() > max {
        return Err((Mistake::too_long(max), format!("Ce texte est trop long ({max} caractères au plus).")));
    }
    Ok(text.to_owned())
}

/// Whether a mail server could accept this address: one `@`, something before it, a host with a dot behind.
#[must_use]
pub fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.rsplit_once('@') else { return false };
    !name.is_empty()
        && !text.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | ';' | '"'))
        && !name.contains('@')
        && host.contains('.')
        && host.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_wrong_is_said_in_a_word_for_other_languages() {
        let Value::Object(values) = json!({"name": "123456", "page": 1, "tags": ["1", "2", "3"]}) else {
            unreachable!()
        };
        let Err(Error::Invalid(found)) = Form::new(values).into::<Probe>() else { panic!("problems") };
        let kinds: Vec<Mistake> = found.into_iter().map(|problem| problem.kind).collect();
        assert_eq!(kinds, [Mistake::too_long(5), Mistake::too_many(2)]);
        let Err(Error::Invalid(found)) = Form::new(Map::new()).into::<Probe>() else { panic!("a problem") };
        assert_eq!(found[0].kind, Mistake::REQUIRED);
    }

    struct Probe;

    impl FromForm for Probe {
        fn read(form: &mut Form) -> Option<Self> {
            let _ = (form.text("name", 5), form.integer("page", 1..=9), form.lines("tags", 2, 3));
            Some(Self)
        }
    }

    fn problems(body: Value) -> Vec<String> {
        let Value::Object(values) = body else { panic!("an object") };
        match Form::new(values).into::<Probe>() {
            Err(Error::Invalid(fields)) => fields.into_iter().map(|problem| problem.field).collect(),
            Err(other) => panic!("{other:?}"),
            Ok(_) => Vec::new(),
        }
    }

    #[test]
    fn every_wrong_field_is_reported_at_once() {
        assert_eq!(problems(json!({"page": "x", "tags": ["long text", 3]})), ["name", "page", "tags.0", "tags.1"]);
        assert_eq!(problems(json!({"name": "a\u{0}b", "page": 0})), ["name", "page"]);
        assert_eq!(problems(json!({"name": "abcdef", "tags": "x"})), ["name", "tags"]);
    }

    #[test]
    fn good_fields_pass_and_unknown_ones_are_ignored() {
        assert!(problems(json!({"name": " Élan ", "page": "3", "tags": [], "other": {}})).is_empty());
        assert!(problems(json!({"name": "a", "page": null})).is_empty());
    }

    #[test]
    fn addresses() {
        for good in ["a@b.fr", "Votre@Email.com", "prénom.nom+x@sous.domaine.fr"] {
            assert!(is_email(good), "{good}");
        }
        for bad in ["", "a", "a@b", "@b.fr", "a@", "a b@c.fr", "a@@b.fr", "a@.fr", "x\u{0}@b.fr", "<a@b.fr>", "a@-b.fr"]
        {
            assert!(!is_email(bad), "{bad}");
        }
    }
}
