//! What a browser calls itself, in words that its owner knows.

/// Browsers by what their own name stands behind; the ones that others pretend to be come last.
const BROWSERS: [(&str, &str); 8] = [
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("HeadlessChrome/", "Headless Chromium"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
];

/// Systems, those that name others too first.
const SYSTEMS: [(&str, &str); 7] = [
    ("Android", "Android"),
    ("iPhone", "an iPhone"),
    ("iPad", "an iPad"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

/// `Firefox 144 on Linux`; what is no browser by its own first word: `curl 8.5`.
pub fn browser(agent: &str) -> String {
    let system = SYSTEMS
        .iter()
        .find(|(mark, _)| agent.contains(mark))
        .map(|(_, name)| format!(" on {name}"))
        .unwrap_or_default();
    for (mark, name) in BROWSERS {
        if let Some((_, rest)) = agent.split_once(mark) {
            return format!("{name} {}{system}", major(rest));
        }
    }
    if let (Some((_, rest)), true) = (agent.split_once("Version/"), agent.contains("Safari/")) {
        return format!("Safari {}{system}", major(rest));
    }
    match agent.split_whitespace().next() {
        Some(first) => first.replace('/', " "),
        None => "A program that gave no name".into(),
    }
}

/// `144` of `144.0.2 Gecko`.
fn major(version: &str) -> &str {
    version
        .split(|c: char| !c.is_ascii_digit())
        .next()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::browser;

    #[test]
    fn browsers_are_named_as_people_name_them() {
        for (agent, name) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
                "Firefox 144 on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 \
                 Safari/537.36 Edg/141.0.0.0",
                "Edge 141 on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/18.5 Safari/605.1.15",
                "Safari 18 on macOS",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/141.0.0.0 Mobile Safari/537.36",
                "Chrome 141 on Android",
            ),
            ("curl/8.5.0", "curl 8.5.0"),
            ("", "A program that gave no name"),
        ] {
            assert_eq!(browser(agent), name);
        }
    }
}
