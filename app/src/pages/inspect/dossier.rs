//! A dossier: is it whole, is it by a console that I know, and what does it say?

use leptos::prelude::*;
use requorum_shared::dossier::Verdict;
use requorum_shared::finding::{Check, Outcome};

use crate::components::checks::Checks;
use crate::components::document::DocumentView;
use crate::components::field::Field;
use crate::components::hash::Id;
use crate::components::lead::Lead;
use crate::worker::protocol::Unpacked;

/// The headline.
pub(super) fn lead<F, V>(verdict: &Verdict, close: F) -> impl IntoView + use<F, V>
where
    F: Fn() -> V + Send + Sync + 'static,
    V: IntoView + 'static,
{
    let facts = verdict.job.clone().zip(verdict.plan_hash.clone());
    let below = move || {
        facts.clone().map(|(job, plan)| {
            view! { <p>"Job " <Id value=job /> " · plan " <Id value=plan /> " · nothing of it left this browser"</p> }
        })
    };
    view! {
        <Lead
            sentence=verdict.sentence.clone()
            below=below
            acts=close
        />
    }
}

/// Checks first, then what it says.
pub(super) fn body(unpacked: &Unpacked) -> impl IntoView + use<> {
    let Verdict { checks, key, .. } = unpacked.verdict.clone();
    let typed = RwSignal::new(String::new());
    let (shown, claimed) = (checks, key.clone());
    let checks = move || {
        let checks = with_key(shown.clone(), claimed.as_deref(), &typed.get());
        view! { <Checks checks /> }
    };
    let field = key.map(|key| {
        view! {
            <section class="section">
                <h2>"Whose it is"</h2>
                <p>
                    "It claims to be by the ledger of a console with this key. Compare it with the key that you know: \
                     from the console's settings, from a colleague, or from your notes, but never from the archive \
                     itself."
                </p>
                <p class="mono whole-id">{key}</p>
                <Field
                    id="known-key"
                    label="The key that you know"
                    value=typed
                    hint="name+id+key, in one line. It is only compared."
                />
            </section>
        }
    });
    let document = unpacked.document.clone().map(|document| {
        let sentence = document.sentence.clone();
        view! {
            <section class="section">
                <h2>"What it says"</h2>
                <p><strong>{sentence}</strong></p>
            </section>
            <DocumentView document />
        }
    });
    view! {
        <section class="section"><h2>"Verification of this dossier"</h2>{checks}</section>
        {field}
        {document}
    }
}

/// The checks, the last of them with the key that was typed.
fn with_key(mut checks: Vec<Check>, claimed: Option<&str>, typed: &str) -> Vec<Check> {
    let typed = typed.trim();
    if let (Some(last), Some(claimed), false) = (checks.last_mut(), claimed, typed.is_empty()) {
        (last.outcome, last.evidence) = if typed == claimed {
            (Outcome::Pass, "It is the key that you typed.".into())
        } else {
            let other = "You typed another key: it comes from another console, was forged, or there is a slip in the \
                         typing.";
            (Outcome::Fail, other.into())
        };
    }
    checks
}
