//! May I trust this file, and what is in it? Everything happens in this browser.

mod dossier;
mod file;
mod keys;
mod ranking;
mod reading;
mod views;

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate, use_query_map};

use crate::client::http;
use crate::components::file_drop::FileDrop;
use crate::components::page_header::PageHeader;
use crate::dropped::Dropped;
use crate::identity::Identity;
use crate::loader::Loader;
use crate::open_files::{OpenFiles, Sample};
use crate::paths::with_query;

use self::keys::Keys;
pub use self::views::{FileViews, file_views};

/// Drop, verdict, contents.
#[component]
pub fn Inspect() -> impl IntoView {
    let open_files = OpenFiles::expect();
    let views = Loader::<FileViews>::expect();
    let query = use_query_map();
    let location = use_location();
    let navigate = use_navigate();
    let named = Memo::new(move |_| {
        let file = query.with(|q| q.get("file"));
        file.and_then(|n| n.parse::<u32>().ok())
    });
    let is_open = move |job: u32| open_files.numbers().iter().any(|(n, _)| *n == job);
    // The file that the address names, or the first.
    let selected = Memo::new(move |_| {
        let named = named.get().filter(|job| is_open(*job));
        named.or_else(|| open_files.numbers().first().map(|(job, _)| *job))
    });
    // Files do not outlive a reload; who follows a link does not have them either.
    let lost = Memo::new(move |_| named.get().is_some_and(|job| !is_open(job)));
    let show = StoredValue::new(move |job: Option<u32>, replace: bool| {
        let job = job.map(|job| job.to_string()).unwrap_or_default();
        let search = location.search.get_untracked();
        let to = with_query(&location.pathname.get_untracked(), &search, "file", &job);
        navigate(
            &to,
            NavigateOptions {
                scroll: false,
                replace,
                ..Default::default()
            },
        );
    });
    let select = move |job: u32| show.with_value(|show| show(Some(job), false));
    let close = Callback::new(move |job: u32| {
        open_files.remove(job);
        if named.get_untracked() == Some(job) {
            show.with_value(|show| show(None, true));
        }
    });
    let on_files = move |dropped: Dropped| {
        if let Some(job) = open_files.put(dropped) {
            select(job);
        }
    };
    let on_sample = move |sample: Sample| open_files.put_sample(sample, select);
    let has_files = Memo::new(move |_| !open_files.numbers().is_empty());
    let several = Memo::new(move |_| open_files.numbers().len() > 1);
    let keys = Keys {
        typed: RwSignal::new(String::new()),
        console: console_key(),
    };
    view! {
        <div class="page">
            {move || match selected.get() {
                Some(job) => views.view(move |views| (views.header)(job, keys, close)),
                None if lost.get() => lost_header().into_any(),
                None => view! {
                    <PageHeader
                        sentence="Drop a file to see what it is, whether you can trust it, and what is in it."
                        below=|| view! { <p>"Nothing leaves this browser. No account needed."</p> }
                    />
                }
                .into_any(),
            }}
            {move || (has_files.get() && lost.get()).then(lost_notice)}
            {move || several.get().then(|| views.quietly(move |views| (views.ranking)(selected.into(), close)))}
            {move || selected.get().map(|job| views.quietly(move |views| (views.body)(job, keys)))}
            <section class="section">
                <FileDrop
                    title="Drop files here or click to browse"
                    hint="You can paste a file. Drop several to compare them."
                    slim=has_files
                    on_files=UnsyncCallback::new(on_files)
                />
                {move || open_files.sample_failure().map(reading::refusal)}
                <div class="acts">
                    <button type="button" class="button" on:click=move |_| on_sample(Sample::Sound)>"Open a sound sample"</button>
                    <button type="button" class="button" on:click=move |_| on_sample(Sample::Damaged)>"Open a damaged sample"</button>
                </div>
            </section>
            {move || (!has_files.get()).then(what_it_reads)}
        </div>
    }
}

/// The key of the ledger of the console that this page came from, for people who are signed in to it; empty otherwise.
fn console_key() -> Signal<String> {
    let identity = Identity::expect();
    let key = LocalResource::new(move || {
        let signed_in = identity.is_person();
        async move {
            match signed_in {
                true => http::ledger_key().await.unwrap_or_default(),
                false => String::new(),
            }
        }
    });
    Signal::derive(move || key.get().unwrap_or_default())
}

fn lost_header() -> impl IntoView {
    view! {
        <PageHeader
            sentence="Open the file again: it did not survive the reload."
            tone="verdict warning"
            below=|| view! {
                <p>
                    "This address names a file that is not open here. It was never uploaded, and a browser cannot read \
                     it again without you: drop it or choose it below."
                </p>
            }
        />
    }
}

fn lost_notice() -> impl IntoView {
    view! {
        <div class="notice warning">
            <p>"The file that this address names is not open here. Drop it again to see it."</p>
        </div>
    }
}

fn what_it_reads() -> impl IntoView {
    view! {
        <section class="section">
            <h2>"What it reads"</h2>
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
