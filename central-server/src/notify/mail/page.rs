//! One form for every letter: plain text, and HTML that any mail program shows, without pictures or addresses of others.

use std::fmt::Write as _;

use crate::language::Language;

/// A mail before it is text or HTML.
#[derive(Debug, Clone)]
pub struct Page {
    /// In which it is written.
    pub language: Language,
    /// What it is about.
    pub subject: String,
    /// With the reader's name, which is not ours.
    pub greeting: String,
    /// The paragraphs before the button.
    pub before: Vec<String>,
    /// The button: its words and where it leads.
    pub action: (&'static str, String),
    /// The paragraphs behind it.
    pub after: Vec<String>,
    /// Who writes.
    pub signature: &'static str,
}

impl Page {
    /// As text. The link stands alone on its line, so that every program finds it.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{}\n", one_line(&self.greeting));
        let paragraph = |text: &mut String, words: &String| {
            let _ = write!(text, "\n{}\n", one_line(words));
        };
        self.before.iter().for_each(|words| paragraph(&mut text, words));
        let _ = write!(text, "\n{}\n{}\n", self.action.0, self.action.1);
        self.after.iter().for_each(|words| paragraph(&mut text, words));
        let _ = write!(text, "\n{}\n", self.signature);
        text
    }

    /// As HTML. Nothing in it is markup but what stands here.
    #[must_use]
    pub fn html(&self) -> String {
        let paragraph = |text: &str| format!("<p style=\"margin:0 0 16px\">{}</p>\n", escape(text));
        let paragraphs = |texts: &[String]| texts.iter().map(|text| paragraph(&one_line(text))).collect::<String>();
        let (label, address) = (escape(self.action.0), escape(&self.action.1));
        format!(
            "<!doctype html>\n<html lang=\"{language}\">\n<head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>{subject}</title></head>\n\
             <body style=\"margin:0;padding:24px;background:#f4f5f7;color:#1c1f26;\
             font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,Arial,sans-serif\">\n\
             <div style=\"max-width:560px;margin:0 auto;padding:32px;background:#ffffff;border-radius:8px\">\n\
             <p style=\"margin:0 0 24px;font-size:20px;font-weight:700\">NeoPro</p>\n\
             {greeting}{before}\
             <p style=\"margin:24px 0\"><a href=\"{address}\" style=\"display:inline-block;padding:12px 20px;\
             background:#1a4fd6;color:#ffffff;text-decoration:none;border-radius:6px;font-weight:600\">{label}</a></p>\n\
             <p style=\"margin:0 0 16px;font-size:13px;color:#596070;word-break:break-all\">{address}</p>\n\
             {after}{signature}</div>\n</body>\n</html>\n",
            language = self.language.name(),
            subject = escape(&one_line(&self.subject)),
            greeting = paragraph(&one_line(&self.greeting)),
            before = paragraphs(&self.before),
            after = paragraphs(&self.after),
            signature = paragraph(self.signature),
        )
    }
}

/// A name must not begin a line of its own.
pub(super) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c }).collect()
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::mail::Letter;

    #[test]
    fn a_name_is_a_name_and_no_markup_or_line() {
        let name = "<img src=x onerror='a'>&\n\nCliquez : https://evil.example";
        let page = Letter::PasswordChanged.page(Language::Fr, Some(name), "https://a.fr");
        assert!(page.html().contains("Bonjour &lt;img src=x onerror=&#39;a&#39;&gt;&amp;  Cliquez"), "{}", page.html());
        assert!(!page.html().contains("<img"));
        assert_eq!(
            page.text().lines().next(),
            Some("Bonjour <img src=x onerror='a'>&  Cliquez : https://evil.example,")
        );
    }

    #[test]
    fn an_address_cannot_leave_its_attribute() {
        let page = Letter::PasswordChanged.page(Language::En, None, "https://a.fr/\"><script>");
        assert!(!page.html().contains("<script>") && page.html().contains("Hello,"));
    }
}
