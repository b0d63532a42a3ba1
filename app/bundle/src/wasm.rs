//! wasm-bindgen, by its library: always the version that Cargo.lock names.

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

use crate::assets::{Assets, sha256_hex};
use crate::split::{self, Parts};

/// A program for the browser: its WASM and the JavaScript that loads it.
pub(crate) struct Program {
    name: &'static str,
    script: String,
    wasm: Vec<u8>,
    /// JavaScript that crates bring along: the path that `script` imports, and the text.
    snippets: Vec<(String, String)>,
    /// What is fetched later, where the program is split.
    later: Option<Parts>,
}

/// Where a program lies once it is among the assets.
pub(crate) struct Placed {
    /// Address of the JavaScript.
    pub(crate) script: String,
    /// Address of the WASM.
    pub(crate) wasm: String,
    /// Addresses of the WASM that is fetched later.
    pub(crate) later: Vec<String>,
}

/// A program that is split: what is not needed at first comes in files of its own.
pub(crate) fn bind_split(name: &'static str, built: &[u8]) -> Result<Program> {
    let (first, parts) = split::split(built).with_context(|| format!("splitting {name}.wasm"))?;
    // The later parts share its memory and its table, which the linker exported and no JavaScript names.
    let mut program = bound(name, first, true)?;
    program.later = Some(parts);
    Ok(program)
}

/// Makes the JavaScript for what cargo built, and takes out of the WASM what only a debugger needs.
pub(crate) fn bind(name: &'static str, built: Vec<u8>) -> Result<Program> {
    bound(name, built, false)
}

fn bound(name: &'static str, built: Vec<u8>, keep_exports: bool) -> Result<Program> {
    let mut output = Bindgen::new()
        .input_bytes(name, built)
        .keep_lld_exports(keep_exports)
        .web(true)?
        .typescript(false)
        .demangle(false)
        .omit_default_module_path(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate_output()
        .with_context(|| format!("wasm-bindgen could not make the JavaScript of {name}.wasm"))?;
    if let Some(package) = output.npm_dependencies().keys().next() {
        bail!("a crate in {name}.wasm wants the npm package {package}: the page has none");
    }
    let mut snippets: Vec<_> = output
        .local_modules()
        .iter()
        .map(|(path, text)| (format!("./snippets/{path}"), text.clone()))
        .collect();
    for (id, inline) in output.snippets() {
        for (number, text) in inline.iter().enumerate() {
            snippets.push((format!("./snippets/{id}/inline{number}.js"), text.clone()));
        }
    }
    snippets.sort();
    Ok(Program {
        name,
        script: output.js().to_owned(),
        wasm: output.wasm_mut().emit_wasm(),
        snippets,
        later: None,
    })
}

impl Program {
    /// Puts the parts among the assets and has them find each other there.
    pub(crate) fn add_to(self, assets: &mut Assets) -> Result<Placed> {
        let mut script = self.script;
        for (path, text) in self.snippets {
            let placed = assets.add("snippet", "js", text.into_bytes());
            script = script.replace(&path, &beside(&placed));
        }
        if script.contains("./snippets/") {
            bail!(
                "{}.js imports a snippet that wasm-bindgen did not give",
                self.name
            );
        }
        let glue = format!("{}-glue", self.name);
        let Some(later) = self.later else {
            return Ok(Placed {
                wasm: assets.add(self.name, "wasm", self.wasm),
                script: assets.add(&glue, "js", script.into_bytes()),
                later: Vec::new(),
            });
        };
        let mut loader = later.loader;
        let mut parts = Vec::new();
        for (file, bytes) in later.files {
            let (stem, _) = file.rsplit_once('.').unwrap_or((&file, "wasm"));
            let placed = assets.add_later(stem, "wasm", bytes);
            parts.push(placed.clone());
            loader = loader.replace(&format!("./{file}"), &beside(&placed));
        }
        // The two import each other: neither name can hold its own file's hash, so both hold that of both.
        let both = sha256_hex(format!("{script}\0{loader}").as_bytes());
        let glue = format!("{glue}-{}.js", &both[..16]);
        let link = format!("{}-later-{}.js", self.name, &both[..16]);
        let script = import_from(&script, split::LOADER, &link)?;
        let loader = import_from(&loader, split::MAIN, &glue)?;
        assets.add_as(&link, loader.into_bytes());
        Ok(Placed {
            wasm: assets.add(self.name, "wasm", self.wasm),
            script: assets.add_as(&glue, script.into_bytes()),
            later: parts,
        })
    }
}

/// The part that is the console, as the splitter names it after its function in the page's binary.
const CONSOLE: &str = "/split_console";
/// What the page keeps in the browser while somebody is signed in (`app/src/identity.rs`).
const SIGNED_IN: &str = "requorum.signed-in";

/// The module that the page's HTML loads: no script stands in the HTML itself, so that the policy can forbid
/// inline script. Where somebody was signed in when the page was last open, the rest of the program is asked for at
/// once, beside its first part; not on Inspect, which works without it. If the page cannot start, the text that is
/// hidden until then is shown.
pub(crate) fn boot_script(page: &Placed) -> String {
    // What only an opened file needs is fetched with it.
    let console = |part: &&String| !part.contains("/split_") || part.contains(CONSOLE);
    let later: Vec<_> = page
        .later
        .iter()
        .filter(console)
        .map(|part| format!("\"{}\"", beside(part)))
        .collect();
    format!(
        r#"import init from "{script}";
let signedIn = false;
try {{
  signedIn = localStorage.getItem("{SIGNED_IN}") !== null;
}} catch {{
  // Storage is forbidden: the rest is fetched a moment later.
}}
if (signedIn && !/^\/inspect\/?$/.test(location.pathname)) {{
  for (const part of [{later}]) {{
    const link = document.createElement("link");
    Object.assign(link, {{ rel: "preload", as: "fetch", type: "application/wasm", crossOrigin: "anonymous" }});
    link.href = new URL(part, import.meta.url);
    document.head.append(link);
  }}
}}
try {{
  await init({{ module_or_path: new URL("{wasm}", import.meta.url) }});
}} catch (error) {{
  console.error(error);
  for (const note of document.querySelectorAll("[data-boot-failed]")) note.hidden = false;
}}
"#,
        script = beside(&page.script),
        wasm = beside(&page.wasm),
        later = later.join(", "),
    )
}

/// The worker's module. What is posted to it before its WASM runs is kept and delivered then.
pub(crate) fn worker_script(worker: &Placed) -> String {
    format!(
        r#"import init from "{script}";
const early = [];
const keep = (event) => {{
  event.stopImmediatePropagation();
  early.push(event);
}};
self.addEventListener("message", keep);
await init({{ module_or_path: new URL("{wasm}", import.meta.url) }});
self.removeEventListener("message", keep);
for (const {{ data, ports }} of early) {{
  self.dispatchEvent(new MessageEvent("message", {{ data, ports: [...ports] }}));
}}
"#,
        script = beside(&worker.script),
        wasm = beside(&worker.wasm),
    )
}

/// `script` importing `placed`, which lies beside it, where it imported `path`: once for each function that it takes from
/// there. What the WASM calls the import stays.
fn import_from(script: &str, path: &str, placed: &str) -> Result<String> {
    let written = format!("from \"{path}\"");
    if !script.contains(&written) {
        bail!("a script does not import {path}");
    }
    Ok(script.replace(&written, &format!("from \"./{placed}\"")))
}

/// The address of an asset, as another asset says it.
fn beside(address: &str) -> String {
    address.replace("/assets/", "./")
}

#[cfg(test)]
mod tests {
    use super::SIGNED_IN;

    #[test]
    fn who_was_signed_in_is_known_by_what_the_page_keeps() {
        let page = include_str!("../../src/identity.rs");
        assert!(page.contains(&format!("const SIGNED_IN: &str = \"{SIGNED_IN}\";")));
    }
}
