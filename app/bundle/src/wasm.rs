//! wasm-bindgen, by its library: always the version that Cargo.lock names.

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

use crate::assets::Assets;

/// A program for the browser: its WASM and the JavaScript that loads it.
pub(crate) struct Program {
    name: &'static str,
    script: String,
    wasm: Vec<u8>,
    /// JavaScript that crates bring along: the path that `script` imports, and the text.
    snippets: Vec<(String, String)>,
}

/// Where a program lies once it is among the assets.
pub(crate) struct Placed {
    /// Address of the JavaScript.
    pub(crate) script: String,
    /// Address of the WASM.
    pub(crate) wasm: String,
}

/// Makes the JavaScript for what cargo built, and takes out of the WASM what only a debugger needs.
pub(crate) fn bind(name: &'static str, built: Vec<u8>) -> Result<Program> {
    let mut output = Bindgen::new()
        .input_bytes(name, built)
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
        Ok(Placed {
            wasm: assets.add(self.name, "wasm", self.wasm),
            script: assets.add(&format!("{}-glue", self.name), "js", script.into_bytes()),
        })
    }
}

/// The module that the page's HTML loads: no script stands in the HTML itself, so that the policy can forbid
/// inline script. If the page cannot start, the text that is hidden until then is shown.
pub(crate) fn boot_script(page: &Placed) -> String {
    format!(
        r#"import init from "{script}";
try {{
  await init({{ module_or_path: new URL("{wasm}", import.meta.url) }});
}} catch (error) {{
  console.error(error);
  for (const note of document.querySelectorAll("[data-boot-failed]")) note.hidden = false;
}}
"#,
        script = beside(&page.script),
        wasm = beside(&page.wasm),
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

/// The address of an asset, as another asset says it.
fn beside(address: &str) -> String {
    address.replace("/assets/", "./")
}
