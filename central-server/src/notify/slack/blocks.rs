//! What Slack shows: blocks, and a plain text for notifications. Limits are Slack's own, in characters.

use serde_json::{Value, json};

use super::Message;
use crate::alerts::{Severity, words};
use crate::language::Language;

/// The longest header.
const HEADER: usize = 150;
/// The longest text of a section, with some room below Slack's 3,000.
const SECTION: usize = 2_800;
/// The longest plain text that is of use.
const TEXT: usize = 1_000;

/// A message of alerts; `dashboard` is its address, without a slash at the end.
pub(super) fn alerts(message: &Message, channel: Option<&str>, dashboard: &str) -> Value {
    let Message { news, language, .. } = message;
    let headline = words::headline(news, *language);
    let is_critical = [&news.opened, &news.risen, &news.again]
        .into_iter()
        .flatten()
        .any(|group| group.severity == Severity::Critical);
    let sign = match (news.is_good(), is_critical) {
        (true, _) => "🟢",
        (false, true) => "🔴",
        (false, false) => "🟠",
    };
    let mut blocks = vec![header(&format!("{sign} {headline}"))];
    for (title, lines) in words::parts(news, *language) {
        let lines: Vec<String> = lines.iter().map(|line| format!("• {}", escape(line))).collect();
        blocks.push(section(&format!("*{}*\n{}", escape(title), lines.join("\n"))));
    }
    let (open, sites, link) = match language {
        Language::Fr => ("Alertes ouvertes", "Sites", "Ouvrir dans NeoPro"),
        Language::En => ("Open alerts", "Sites", "Open in NeoPro"),
        Language::Es => ("Alertas abiertas", "Sitios", "Abrir en NeoPro"),
    };
    blocks.push(json!({ "type": "section", "fields": [
        { "type": "mrkdwn", "text": format!("*{open}*\n{}", news.open) },
        { "type": "mrkdwn", "text": format!("*{sites}*\n{}", news.sites) },
    ] }));
    blocks.push(section(&format!("<{}{}|{link}>", escape(dashboard), news.path())));
    whole(&format!("NeoPro : {headline}"), blocks, channel)
}

/// The channel is always sent, since old webhooks obey, and shown, since new ones do not.
fn whole(text: &str, mut blocks: Vec<Value>, channel: Option<&str>) -> Value {
    let mut body = json!({ "text": cut(&escape(text), TEXT) });
    if let Some(channel) = channel {
        blocks.push(json!({ "type": "context", "elements": [{ "type": "plain_text", "text": cut(channel, 100) }] }));
        body["channel"] = channel.into();
    }
    body["blocks"] = blocks.into();
    body
}

fn header(text: &str) -> Value {
    json!({ "type": "header", "text": { "type": "plain_text", "text": cut(text, HEADER), "emoji": true } })
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": cut(text, SECTION) } })
}

/// Names are not ours: one must not be a link or call everybody.
fn escape(text: &str) -> String {
    let line = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    line.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most - 1).collect();
    // An entity is whole or not there.
    if let Some((before, after)) = short.rsplit_once('&')
        && !after.contains(';')
    {
        short = before.to_owned();
    }
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::{Group, News};

    fn message(names: &[&str], count: i64) -> Message {
        let group = Group {
            r#type: "site_offline".into(),
            severity: Severity::Critical,
            count,
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            site_id: None,
            message: None,
        };
        let news =
            News { opened: vec![group], risen: vec![], recovered: vec![], again: vec![], open: count, sites: 500 };
        Message { news, at: 0, language: Language::Fr }
    }

    #[test]
    fn a_name_calls_nobody_and_links_nowhere() {
        let body = alerts(&message(&["<!channel>", "<https://evil.example|Gymnase> & fils"], 9), None, "https://a.fr");
        let said = body.to_string();
        let markdown: Vec<&str> = body["blocks"]
            .as_array()
            .expect("blocks")
            .iter()
            .filter_map(|block| block["text"]["text"].as_str())
            .collect();
        assert!(
            markdown[1].contains("&lt;!channel&gt;, &lt;https://evil.example|Gymnase&gt; &amp; fils et 7 autres"),
            "{said}"
        );
        assert!(!body["text"].as_str().expect("a text").contains('<'), "{said}");
        assert_eq!(markdown[2], "<https://a.fr/alerts|Ouvrir dans NeoPro>");
        assert!(body.get("channel").is_none());
    }

    #[test]
    fn everything_fits_into_slacks_limits() {
        let long = "x&".repeat(3_000);
        let body = alerts(&message(&[long.as_str(); 5], 500), Some("#alerts-neopro"), "https://a.fr");
        assert_eq!(body["channel"], "#alerts-neopro");
        let blocks = body["blocks"].as_array().expect("blocks");
        assert!(blocks.len() <= 50);
        assert!(blocks[0]["text"]["text"].as_str().expect("a header").chars().count() <= 150);
        let section = blocks[1]["text"]["text"].as_str().expect("a section");
        assert!(section.chars().count() <= 3_000 && section.ends_with('…') && !section.ends_with("&am…"), "{section}");
        assert!(body.to_string().len() < 13_000);
    }
}
