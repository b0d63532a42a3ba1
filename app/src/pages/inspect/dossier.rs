//! A dossier: is it valid, does the signing key belong to a console that I know, and what does it say?

use std::sync::Arc;

use leptos::prelude::*;
use requorum_shared::dossier::{Verdict, sentence};
use requorum_shared::finding::{Check, Outcome};

use crate::components::checks::Checks;
use crate::components::document::DocumentView;
use crate::components::field::Field;
use crate::components::hash::Id;
use crate::components::page_header::PageHeader;
use crate::worker::protocol::Unpacked;

use super::keys::Keys;

/// The headline.
pub(super) fn header<F, V>(
    unpacked: Arc<Unpacked>,
    keys: Keys,
    close: F,
) -> impl IntoView + use<F, V>
where
    F: Fn() -> V + Send + Sync + Clone + 'static,
    V: IntoView + 'static,
{
    let facts = {
        let Verdict { job, plan_hash, .. } = &unpacked.verdict;
        job.clone().zip(plan_hash.clone())
    };
    let checked = checked(unpacked, keys);
    let judged = Memo::new(move |_| {
        let (interim, checks) = checked.get();
        let has = |outcome| checks.iter().any(|check: &Check| check.outcome == outcome);
        let tone = match (has(Outcome::Fail), has(Outcome::NotChecked)) {
            (true, _) => "verdict fail",
            (_, true) => "verdict warning",
            _ => "verdict pass",
        };
        (sentence(interim, &checks), tone)
    });
    move || {
        let (sentence, tone) = judged.get();
        let facts = facts.clone();
        let below = move || {
            facts.clone().map(|(job, plan)| {
                view! { <p>"Job " <Id value=job /> " · plan " <Id value=plan /> " · verified in this browser"</p> }
            })
        };
        view! { <PageHeader sentence=sentence tone=tone below=below acts=close.clone() /> }
    }
}

/// Checks first, then what it says.
pub(super) fn body(unpacked: Arc<Unpacked>, keys: Keys) -> impl IntoView + use<> {
    let claimed = unpacked.verdict.key.clone();
    let document = unpacked.document.clone();
    let checked = checked(unpacked, keys);
    let checks = move || view! { <Checks checks=checked.get().1 /> };
    let own = {
        let claimed = claimed.clone();
        Memo::new(move |_| {
            keys.console
                .with(|own| !own.is_empty() && Some(own) == claimed.as_ref())
        })
    };
    let field = claimed.map(|key| {
        let ask = move || {
            (!own.get()).then(|| {
                view! {
                    <p>
                        "The dossier claims this key. Compare it with a copy that you trust: from the console's settings, \
                         from a colleague, or from your notes, but never from the archive itself."
                    </p>
                    <Field
                        id="known-key"
                        label="Trusted key"
                        value=keys.typed
                        hint="name+id+key, in one line. It is only compared."
                    />
                }
            })
        };
        view! {
            <section class="section">
                <h2>"Signing key"</h2>
                <p class="mono whole-id">{key}</p>
                {ask}
            </section>
        }
    });
    let document = document.map(|document| {
        let sentence = document.sentence.clone();
        view! {
            <section class="section">
                <h2>"What it says"</h2>
                <p><strong>{sentence}</strong></p>
            </section>
            <DocumentView document contents=true />
        }
    });
    view! {
        <section class="section"><h2>"Verification of this dossier"</h2>{checks}</section>
        {field}
        {document}
    }
}

/// Whether it is an interim dossier, and its checks, the last of them with the keys that are known here.
fn checked(unpacked: Arc<Unpacked>, keys: Keys) -> Memo<(bool, Vec<Check>)> {
    Memo::new(move |_| {
        let verdict = &unpacked.verdict;
        let mut checks = verdict.checks.clone();
        if let (Some(last), Some(claimed)) = (checks.last_mut(), verdict.key.as_deref()) {
            let typed = keys.typed.get();
            let known = keys.console.with(|own| known(claimed, typed.trim(), own));
            if let Some((outcome, evidence)) = known {
                (last.outcome, last.evidence) = (outcome, evidence.to_owned());
            }
        }
        (verdict.interim, checks)
    })
}

/// What the keys that are known here say of the one that a dossier claims.
fn known(claimed: &str, typed: &str, own: &str) -> Option<(Outcome, &'static str)> {
    match (typed, own) {
        ("", own) if own == claimed => Some((Outcome::Pass, "It is this console's own key.")),
        ("", _) => None,
        (typed, _) if typed == claimed => Some((Outcome::Pass, "It is the key that you typed.")),
        _ => Some((
            Outcome::Fail,
            "You typed another key: the dossier comes from another console, was forged, or the typed key has a typing \
             error.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_key_that_is_known_here_makes_the_check_pass() {
        let outcome = |typed, own| known("a+1+x", typed, own).map(|(outcome, _)| outcome);
        assert_eq!(outcome("", ""), None);
        assert_eq!(outcome("", "b+2+y"), None, "another console proves nothing");
        assert_eq!(outcome("", "a+1+x"), Some(Outcome::Pass));
        assert_eq!(outcome("a+1+x", ""), Some(Outcome::Pass));
        assert_eq!(
            outcome("b+2+y", "a+1+x"),
            Some(Outcome::Fail),
            "typed by hand counts first"
        );
    }
}
