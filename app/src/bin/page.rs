//! The page, and where it is split: the first load holds Inspect, the console follows once it is needed.

use futures_util::future::LocalBoxFuture;
use leptos::prelude::*;
use requorum_app::app::App;
use requorum_app::console_loader::Console;
use requorum_app::failure::Failure;

fn main() {
    console_error_panic_hook::set_once();
    mount_to_body(|| view! { <App console=fetch /> });
}

fn fetch() -> LocalBoxFuture<'static, Result<Console, Failure>> {
    Box::pin(console())
}

/// All that only this function reaches is fetched when it is first called.
#[leptos::wasm_split::wasm_split(console, wasm_split_path = leptos::wasm_split, fallible)]
fn console() -> Result<Console, Failure> {
    Ok(requorum_app::console::console())
}
