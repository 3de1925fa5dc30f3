//! A browser's own words, made short: `Firefox · Linux`.

/// Browsers by a word of theirs. Each pretends to be those below it, so the order decides.
const BROWSERS: &[(&str, &str)] = &[
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// Systems by a word of theirs. Phones and tablets name the desktop's as well.
const SYSTEMS: &[(&str, &str)] = &[
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
];

/// The longest name of a program that is no browser.
const MOST: usize = 30;

/// What a browser or program calls itself, in a few words; nothing of one that says nothing.
pub(super) fn device(user_agent: &str) -> Option<String> {
    let known = |list: &[(&str, &'static str)]| {
        list.iter().find(|(word, _)| user_agent.contains(word)).map(|(_, name)| (*name).to_owned())
    };
    let program = || {
        let name: String = user_agent.split(['/', ' ']).next().unwrap_or_default().chars().take(MOST).collect();
        (!name.is_empty() && name != "Mozilla").then_some(name)
    };
    match (known(BROWSERS).or_else(program), known(SYSTEMS)) {
        (Some(browser), Some(system)) => Some(format!("{browser} · {system}")),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_told_by_what_they_are_and_not_by_what_they_pretend_to_be() {
        for (words, expected) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", Some("Firefox · Linux")),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 \
                 Safari/537.36 Edg/142.0.0.0",
                Some("Edge · Windows"),
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 \
                 Safari/537.36",
                Some("Chrome · Windows"),
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/18.0 Safari/605.1.15",
                Some("Safari · macOS"),
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 CriOS/142.0.0.0 Mobile/15E148 Safari/604.1",
                Some("Chrome · iPhone"),
            ),
            (
                "Mozilla/5.0 (Linux; Android 15; SM-S911B) AppleWebKit/537.36 (KHTML, like Gecko) \
                 SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36",
                Some("Samsung Internet · Android"),
            ),
            ("curl/8.14.1", Some("curl")),
            ("python-requests/2.32.3", Some("python-requests")),
            ("Mozilla/5.0 (X11; Linux x86_64)", Some("Linux")),
            ("Mozilla/5.0", None),
            ("", None),
        ] {
            assert_eq!(device(words).as_deref(), expected, "{words}");
        }
        assert_eq!(device(&"é".repeat(255)).map(|name| name.chars().count()), Some(MOST));
    }
}
