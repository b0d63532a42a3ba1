//! Fills `app/index.html` and the style sheet: `{{name}}` stands for an address among the assets.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

/// What `app/index.html` must name: without one of these the page would not work, and would not say why.
pub(crate) const PAGE: [&str; 5] = ["boot", "style", "worker", "verifier", "asset sample.db"];

/// What the style sheet must name.
pub(crate) const STYLE: [&str; 1] = ["asset inter.woff2"];

/// The addresses by placeholder.
#[derive(Default)]
pub(crate) struct Names(BTreeMap<String, String>);

impl Names {
    /// Has `{{name}}` stand for `address`.
    pub(crate) fn set(&mut self, name: impl Into<String>, address: String) {
        self.0.insert(name.into(), address);
    }
}

/// `template` with every placeholder replaced.
///
/// # Errors
/// A `required` placeholder is missing, one is not known, or one is not closed.
pub(crate) fn fill(template: &str, names: &Names, required: &[&str]) -> Result<String> {
    let mut filled = String::with_capacity(template.len() + 512);
    let mut seen = Vec::new();
    let mut rest = template;
    while let Some((before, from)) = rest.split_once("{{") {
        let (name, after) = from
            .split_once("}}")
            .with_context(|| format!("a placeholder is not closed: {{{{{from:.20}"))?;
        let name = name.trim();
        let address = names.0.get(name).with_context(|| {
            let known: Vec<_> = names.0.keys().map(String::as_str).collect();
            format!(
                "{{{{{name}}}}} is not known; there are: {}",
                known.join(", ")
            )
        })?;
        filled.push_str(before);
        filled.push_str(address);
        seen.push(name);
        rest = after;
    }
    filled.push_str(rest);
    for name in required {
        if !seen.contains(name) {
            bail!("the placeholder {{{{{name}}}}} is missing");
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str =
        "<a {{boot}}><b {{ style }}><c {{worker}}><d {{verifier}}><e {{asset sample.db}}>";

    fn names() -> Names {
        let mut names = Names::default();
        for name in PAGE {
            names.set(name, format!("/assets/{}", name.replace(' ', "-")));
        }
        names
    }

    #[test]
    fn every_placeholder_becomes_an_address() {
        assert_eq!(
            fill(TEMPLATE, &names(), &PAGE).unwrap(),
            "<a /assets/boot><b /assets/style><c /assets/worker><d /assets/verifier><e /assets/asset-sample.db>"
        );
    }

    #[test]
    fn each_required_placeholder_is_missed() {
        for name in PAGE {
            let without = TEMPLATE
                .replace(&format!("{{{{{name}}}}}"), "")
                .replace(&format!("{{{{ {name} }}}}"), "");
            let error = fill(&without, &names(), &PAGE).unwrap_err().to_string();
            assert_eq!(error, format!("the placeholder {{{{{name}}}}} is missing"));
        }
    }

    #[test]
    fn the_style_sheet_names_the_font() {
        let mut names = Names::default();
        names.set(STYLE[0], "/assets/inter-0123.woff2".to_owned());
        let filled = fill("src: url(\"{{asset inter.woff2}}\")", &names, &STYLE).unwrap();
        assert_eq!(filled, "src: url(\"/assets/inter-0123.woff2\")");
        assert!(fill("a {}", &names, &STYLE).is_err());
    }

    #[test]
    fn an_unknown_or_open_placeholder_fails() {
        let error = fill("{{asset gone.svg}}", &names(), &PAGE)
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("{{asset gone.svg}} is not known; there are:"),
            "{error}"
        );
        let error = fill("{{boot", &names(), &PAGE).unwrap_err().to_string();
        assert!(error.contains("not closed"), "{error}");
    }
}
