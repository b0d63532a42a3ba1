//! May I trust this file, and what is in it? Everything happens in this browser.

mod dossier;
mod file;
mod ranking;
mod reading;

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate, use_query_map};

use crate::bench::Bench;
use crate::components::file_drop::FileDrop;
use crate::components::lead::Lead;
use crate::dropped::Dropped;
use crate::paths::with_query;

/// Drop, verdict, contents.
#[component]
pub fn Inspect() -> impl IntoView {
    let bench = Bench::expect();
    let query = use_query_map();
    let location = use_location();
    let navigate = use_navigate();
    // The file that the address names, or the first.
    let selected = Memo::new(move |_| {
        let named = query
            .with(|q| q.get("file"))
            .and_then(|n| n.parse::<u32>().ok());
        let numbers = bench.numbers();
        let known = |job: &u32| numbers.iter().any(|(n, _)| n == job);
        named
            .filter(known)
            .or_else(|| numbers.first().map(|(job, _)| *job))
    });
    let select = move |job: u32| {
        let to = with_query(
            &location.pathname.get_untracked(),
            &location.search.get_untracked(),
            "file",
            &job.to_string(),
        );
        navigate(
            &to,
            NavigateOptions {
                scroll: false,
                ..Default::default()
            },
        );
    };
    let select = StoredValue::new(select);
    let on_files = move |dropped: Dropped| {
        if let Some(job) = bench.put(dropped) {
            select.with_value(|select| select(job));
        }
    };
    let on_sample = move |_| {
        bench.put_sample(move |job| select.with_value(|select| select(job)));
    };
    let has_files = Memo::new(move |_| !bench.numbers().is_empty());
    let several = Memo::new(move |_| bench.numbers().len() > 1);
    view! {
        <div class="page">
            {move || match selected.get() {
                Some(job) => file::lead(bench, job).into_any(),
                None => view! {
                    <Lead
                        sentence="Drop a file: see what it is, whether it is whole, and what is in it."
                        below=|| view! { <p>"Nothing leaves this browser. No account is needed."</p> }
                    />
                }
                .into_any(),
            }}
            {move || several.get().then(|| ranking::ranking(bench, selected.into()))}
            {move || selected.get().map(|job| file::body(bench, job))}
            <section class="section">
                <FileDrop
                    title="Drop files here, or press to choose"
                    hint="Pasting works too. Several at once are ranked."
                    slim=has_files
                    on_files=UnsyncCallback::new(on_files)
                />
                {move || bench.sample_failure().map(reading::refusal)}
                <div class="acts">
                    <button type="button" class="button" on:click=on_sample>"Open a sample snapshot"</button>
                </div>
            </section>
            {move || (!has_files.get()).then(what_it_reads)}
        </div>
    }
}

fn what_it_reads() -> impl IntoView {
    view! {
        <section class="section">
            <h2>"What it can read"</h2>
            <ul class="reads">
                <li>"A snapshot of etcd 3.4 to 3.7, saved with " <code>"etcdctl snapshot save"</code></li>
                <li>"A copy of a member's database, " <code>"member/snap/db"</code> ", taken while the member was stopped"</li>
                <li>"A segment of a member's write-ahead log, and its " <code>".snap"</code> " files"</li>
                <li><code>"raft.db"</code>", "<code>"meta.json"</code>" and "<code>"peers.json"</code>" of Dkron, Consul and Nomad"</li>
                <li>"Each of these packed by ZIP, gzip or Zstandard"</li>
                <li>"A dossier of a recovery: every part, signature and proof in it is verified"</li>
                <li>"Files of any size: they are read once, from start to end, and never kept in memory"</li>
            </ul>
        </section>
    }
}
