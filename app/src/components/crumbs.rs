//! The way to the page that is shown, from its address: on every page, in the same place.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use crate::format::short_id;
use crate::paths;
use crate::title::Title;

/// Pages that lead nowhere but on.
const WITHOUT: [&str; 3] = ["login", "setup", "join"];

/// A step of the way.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    label: String,
    path: String,
}

/// The steps from the first page to the one at `path`, which is the last; none where there is no way. `named` has better
/// labels for some addresses, and steps that the address does not show.
fn way(path: &str, named: &[(String, String)]) -> Vec<Step> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    if parts.first().is_none_or(|first| WITHOUT.contains(first)) {
        return Vec::new();
    }
    let mut steps = Vec::new();
    let mut at = String::new();
    for (place, part) in parts.iter().enumerate() {
        at = format!("{at}/{part}");
        let known = named.iter().find(|(_, path)| *path == at);
        let label = match known {
            Some((label, _)) => label.clone(),
            None => label(part, place == 0 || parts[0] == "settings"),
        };
        steps.push(Step {
            label,
            path: at.clone(),
        });
    }
    let more = named
        .iter()
        .filter(|(_, path)| !steps.iter().any(|step| step.path == *path));
    let first = Step {
        label: "Home".into(),
        path: paths::overview(),
    };
    let more: Vec<Step> = more
        .map(|(label, path)| Step {
            label: label.clone(),
            path: path.clone(),
        })
        .collect();
    [first].into_iter().chain(more).chain(steps).collect()
}

fn label(part: &str, is_page: bool) -> String {
    match part {
        "you" => "Profile".into(),
        "tokens" => "API tokens".into(),
        "secrets" => "Credentials".into(),
        "reviews" => "Break-glass reviews".into(),
        "new-plan" => "New plan".into(),
        "verification" => "Verification".into(),
        _ if is_page && part.len() < 16 => crate::format::capital(part),
        _ => short_id(part),
    }
}

/// The way to this page.
#[component]
pub fn Crumbs() -> impl IntoView {
    let path = use_location().pathname;
    let title = Title::expect();
    let steps = Memo::new(move |_| path.with(|path| title.way().with(|named| way(path, named))));
    move || {
        let steps = steps.get();
        (!steps.is_empty()).then(|| {
            let last = steps.len() - 1;
            let items = steps.into_iter().enumerate().map(|(at, step)| {
                if at == last {
                    view! { <li><span aria-current="page">{step.label}</span></li> }.into_any()
                } else {
                    view! { <li><a href=step.path>{step.label}</a></li> }.into_any()
                }
            });
            view! { <nav class="crumbs" aria-label="You are here"><ol>{items.collect_view()}</ol></nav> }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(path: &str, named: &[(&str, &str)]) -> Vec<String> {
        let named: Vec<_> = named
            .iter()
            .map(|(label, path)| ((*label).to_owned(), (*path).to_owned()))
            .collect();
        way(path, &named)
            .into_iter()
            .map(|step| step.label)
            .collect()
    }

    #[test]
    fn the_way_is_that_of_the_address() {
        assert!(labels("/", &[]).is_empty());
        assert!(labels("/login", &[]).is_empty());
        assert_eq!(labels("/inspect", &[]), ["Home", "Inspect"]);
        assert_eq!(
            labels("/settings/people", &[]),
            ["Home", "Settings", "People"]
        );
        let id = "0123456789abcdef0123";
        assert_eq!(
            labels(&format!("/plans/{id}"), &[]),
            ["Home", "Plans", "012345…0123"]
        );
        assert_eq!(labels("/jobs/status", &[]), ["Home", "Jobs", "status"]);
    }

    #[test]
    fn pages_name_their_steps_and_add_some() {
        let named = [("Files", "/files"), ("prod.db", "/files/9f")];
        assert_eq!(
            labels("/new-plan", &named),
            ["Home", "Files", "prod.db", "New plan"]
        );
        assert_eq!(
            labels("/reviews", &[("Plans", "/plans")]),
            ["Home", "Plans", "Break-glass reviews"]
        );
    }
}
