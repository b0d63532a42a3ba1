//! The page, and where it is split: the first load holds the sign-in and the empty Inspect; what shows open files, and
//! the console, follow once they are needed.

use futures_util::future::LocalBoxFuture;
use leptos::prelude::*;
use requorum_app::app::App;
use requorum_app::console_loader::Console;
use requorum_app::failure::Failure;
use requorum_app::pages::inspect::FileViews;

fn main() {
    console_error_panic_hook::set_once();
    mount_to_body(|| view! { <App console=fetch_console files=fetch_files /> });
}

fn fetch_console() -> LocalBoxFuture<'static, Result<Console, Failure>> {
    Box::pin(console())
}

/// All that only this function reaches is fetched when it is first called.
#[leptos::wasm_split::wasm_split(console, wasm_split_path = leptos::wasm_split, fallible)]
fn console() -> Result<Console, Failure> {
    Ok(requorum_app::console::console())
}

fn fetch_files() -> LocalBoxFuture<'static, Result<FileViews, Failure>> {
    Box::pin(files())
}

/// The same for what shows open files.
#[leptos::wasm_split::wasm_split(files, wasm_split_path = leptos::wasm_split, fallible)]
fn files() -> Result<FileViews, Failure> {
    Ok(requorum_app::pages::inspect::file_views())
}
