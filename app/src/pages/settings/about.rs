//! What is this console, and what does it rest on?

use leptos::prelude::*;
use requorum_shared::api::v1::{AboutRequest, AboutResponse, GetLedgerRequest};

use crate::client::grpc;
use crate::components::button::CopyButton;
use crate::components::bytes::Bytes;
use crate::components::hash::Copyable;
use crate::components::load::load;
use crate::components::page_header::PageHeader;
use crate::components::properties::Properties;
use crate::components::time::Time;
use crate::failure::Failure;
use crate::format;
use crate::systems;

/// The section.
#[component]
pub fn About() -> impl IntoView {
    let about = LocalResource::new(fetch);
    let sentence = Signal::derive(move || match about.get() {
        Some(Ok(about)) => headline(&about.console, js_sys::Date::now() as i64),
        _ => "About this console".into(),
    });
    view! { <PageHeader sentence />{load(about, show)} }
}

#[derive(Debug, Clone, PartialEq)]
struct Facts {
    console: AboutResponse,
    /// The key of the ledger's checkpoints.
    key: String,
}

async fn fetch() -> Result<Facts, Failure> {
    Ok(Facts {
        console: grpc::call(AboutRequest {}).await?,
        key: grpc::call(GetLedgerRequest {}).await?.key,
    })
}

/// A certificate that ends within so many milliseconds is spoken of first.
const ENDS_SOON_MS: i64 = 14 * 24 * 3_600_000;

fn headline(about: &AboutResponse, now_ms: i64) -> String {
    let up = format::duration((now_ms - about.started_at_ms) as f64);
    let is = format!("Requorum {}, up for {up}.", about.version);
    let left = about.certificate_ends_at_ms - now_ms;
    match about.certificate_ends_at_ms {
        0 => is,
        _ if left <= 0 => {
            format!("The TLS certificate has expired: browsers refuse to connect. {is}")
        }
        _ if left <= ENDS_SOON_MS => {
            let left = format::duration(left as f64);
            format!("The TLS certificate expires in {left}: replace it. {is}")
        }
        _ => is,
    }
}

fn show(facts: Facts) -> impl IntoView {
    let Facts { console, key } = facts;
    let limit = if console.max_upload_bytes == 0 {
        "not limited".into_any()
    } else {
        view! { <Bytes n=console.max_upload_bytes /> }.into_any()
    };
    let certificate = match console.certificate_ends_at_ms {
        0 => "none (TLS is not configured on this server)".into_any(),
        ends => view! { "expires " <Time ms=ends /> }.into_any(),
    };
    let rows = vec![
        ("Version", console.version.into_any()),
        (
            "Running since",
            view! { <Time ms=console.started_at_ms /> }.into_any(),
        ),
        ("Largest upload", limit),
        ("Certificate", certificate),
    ];
    let stores = console
        .stores
        .into_iter()
        .map(|store| {
            view! {
                <tr>
                    <th scope="row" data-label="Holds">{store.holds}</th>
                    <td data-label="Kind">{store.kind}</td>
                    <td data-label="Where"><Copyable value=store.place /></td>
                </tr>
            }
        })
        .collect_view();
    let roots = console
        .roots
        .into_iter()
        .map(|root| {
            view! {
                <tr>
                    <th scope="row" data-label="Root">{root.name}</th>
                    <td data-label="Folder"><Copyable value=root.path /></td>
                    <td data-label="Free" class="number">{match root.free_bytes {
                        Some(free) => view! { <Bytes n=free /> }.into_any(),
                        None => "unknown".into_any(),
                    }}</td>
                </tr>
            }
        })
        .collect_view();
    let missing = systems::missing_programs(&console.programs)
        .map(|why| view! { <p>{why}</p> })
        .collect_view();
    let has_programs = !console.programs.is_empty();
    let programs = console
        .programs
        .into_iter()
        .map(|program| {
            view! {
                <tr>
                    <th scope="row" data-label="Program">{program.name}</th>
                    <td data-label="Version">{program.version}</td>
                    <td data-label="Path"><Copyable value=program.path /></td>
                </tr>
            }
        })
        .collect_view();
    let set_back = console.clock_set_back;
    view! {
        {(!set_back.is_empty()).then(|| view! { <div class="notice warning"><p>{set_back}</p></div> })}
        <Properties rows />
        <section class="section">
            <h2>"Ledger key"</h2>
            <p class="muted">
                "Every checkpoint of the ledger is signed with this key. Keep a copy elsewhere: with it, an export of the ledger can be verified without trusting this server."
            </p>
            {key_line(key)}
        </section>
        <section class="section">
            <h2>"Storage"</h2>
            <div class="table-wrap">
                <table class="table">
                    <thead><tr><th scope="col">"Holds"</th><th scope="col">"Kind"</th><th scope="col">"Where"</th></tr></thead>
                    <tbody>{stores}</tbody>
                </table>
            </div>
        </section>
        <section class="section">
            <h2>"Restore roots"</h2>
            <div class="table-wrap">
                <table class="table">
                    <thead><tr><th scope="col">"Root"</th><th scope="col">"Folder"</th><th scope="col" class="number">"Free"</th></tr></thead>
                    <tbody>{roots}</tbody>
                </table>
            </div>
            <p class="muted">"Restores are written only below these folders, which are set when the server starts."</p>
        </section>
        <section class="section">
            <h2>"Programs"</h2>
            <p class="muted">"Programs of this server's host that steps of a plan use."</p>
            {has_programs.then(|| view! {
                <div class="table-wrap">
                    <table class="table">
                        <thead><tr><th scope="col">"Program"</th><th scope="col">"Version"</th><th scope="col">"Path"</th></tr></thead>
                        <tbody>{programs}</tbody>
                    </table>
                </div>
            })}
            {missing}
        </section>
        <section class="section">
            <h2>"Licences"</h2>
            <p>
                "Requorum is free software under the Apache License, version 2.0. The libraries in it are as free, under the same licence or MIT, BSD, Zlib, Unicode, Boost, CC0 and, for the web's root certificates, CDLA; the file Cargo.lock of its sources names each with its version."
            </p>
        </section>
    }
}

fn key_line(key: String) -> impl IntoView {
    let text = key.clone();
    view! {
        <p><code class="once-value">{key}</code></p>
        <div class="acts"><CopyButton label="Copy key" text=Signal::derive(move || text.clone()) /></div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headline_says_which_and_since_when() {
        let about = AboutResponse {
            version: "1.2.3".into(),
            started_at_ms: 1_000,
            ..Default::default()
        };
        assert_eq!(
            headline(&about, 3_601_000),
            "Requorum 1.2.3, up for 1 h 0 m."
        );
    }

    #[test]
    fn a_certificate_is_spoken_of_in_time() {
        let days = |n: i64| 3_601_000 + n * 24 * 3_600_000;
        let said = |ends| {
            let about = AboutResponse {
                version: "1.2.3".into(),
                started_at_ms: 1_000,
                certificate_ends_at_ms: ends,
                ..Default::default()
            };
            headline(&about, 3_601_000)
        };
        let is = "Requorum 1.2.3, up for 1 h 0 m.";
        assert_eq!(said(days(15)), is);
        let soon = said(days(14));
        assert!(
            soon.starts_with("The TLS certificate expires in 14"),
            "{soon}"
        );
        assert!(soon.ends_with(is), "{soon}");
        let late = said(days(0));
        assert!(
            late.starts_with("The TLS certificate has expired"),
            "{late}"
        );
    }
}
