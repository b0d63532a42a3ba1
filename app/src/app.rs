//! Contexts and routes: where the page's parts meet.

use leptos::prelude::*;
use leptos_router::components::{FlatRoutes, Route, Router};
use leptos_router::{StaticSegment, path};

use crate::bench::Bench;
use crate::components::frame::Frame;
use crate::identity::{Identity, guarded};
use crate::pages::{inspect, login, not_found, overview, setup};
use crate::theme;

/// The whole page.
#[component]
pub fn App() -> impl IntoView {
    let theme = theme::provide();
    let identity = Identity::provide();
    Bench::provide();
    view! {
        <Router>
            <Frame
                theme
                user=Signal::derive(move || identity.name())
                busy=Signal::derive(String::new)
                entries=Signal::derive(Vec::new)
                on_sign_out=Callback::new(move |()| identity.sign_out())
            >
                <FlatRoutes fallback=not_found::NotFound>
                    <Route path=StaticSegment("") view=|| guarded(overview::Overview) />
                    <Route path=path!("/login") view=login::Login />
                    <Route path=path!("/setup") view=setup::Setup />
                    <Route path=path!("/inspect") view=inspect::Inspect />
                </FlatRoutes>
            </Frame>
        </Router>
    }
}
