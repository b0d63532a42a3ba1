//! Turns the built WASM of the page and its workers into the files that the server embeds.
//!
//! `requorum-bundle --wasm DIR --source DIR --out DIR`: `page.wasm`, `worker.wasm` and `verifier.wasm` get their
//! JavaScript by wasm-bindgen, the page is taken apart at its split points, `style/main.css` becomes one file, and
//! everything goes to `assets/` under a name that holds its hash, so that a browser may keep it for ever. Beside each
//! file lies its `.br`, but beside a font, which is compressed in itself.
//! Nothing is written that is there already: an unchanged page leaves the server as it was built.

mod assets;
mod html;
mod inputs;
mod split;
mod style;
mod wasm;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use assets::{Assets, kib};

/// What was asked for on the command line.
struct Arguments {
    /// The folder with `page.wasm`, `worker.wasm` and `verifier.wasm`.
    wasm: PathBuf,
    /// The root of the source tree, with `app` and `style`.
    source: PathBuf,
    /// Where the result goes.
    out: PathBuf,
}

fn main() -> ExitCode {
    match arguments().and_then(|arguments| run(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("requorum-bundle: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn arguments() -> Result<Arguments> {
    let (mut wasm, mut source, mut out) = (None, None, None);
    let mut given = std::env::args_os().skip(1);
    while let Some(name) = given.next() {
        let slot = match name.to_str() {
            Some("--wasm") => &mut wasm,
            Some("--source") => &mut source,
            Some("--out") => &mut out,
            _ => bail!("unknown argument {name:?}; there are --wasm, --source and --out"),
        };
        *slot = given.next().map(PathBuf::from);
    }
    Ok(Arguments {
        wasm: wasm
            .context("--wasm DIR is missing: where page.wasm, worker.wasm and verifier.wasm are")?,
        source: source.context("--source DIR is missing: where app and style are")?,
        out: out.context("--out DIR is missing: where the result goes")?,
    })
}

fn run(arguments: &Arguments) -> Result<()> {
    let inputs = inputs::Inputs::read(&arguments.wasm, &arguments.source)?;
    if inputs.stamp_matches(&arguments.out) {
        eprintln!("page unchanged");
        return Ok(());
    }

    let mut assets = Assets::default();
    let mut names = html::Names::default();
    let page = wasm::bind_split("page", &inputs.page)?.add_to(&mut assets)?;
    let worker = wasm::bind("worker", inputs.worker)?.add_to(&mut assets)?;
    let verifier = wasm::bind("verifier", inputs.verifier)?.add_to(&mut assets)?;
    assets.put_off(&verifier.script);
    assets.put_off(&verifier.wasm);
    names.set(
        "boot",
        assets.add("boot", "js", wasm::boot_script(&page).into_bytes()),
    );
    names.set(
        "worker",
        assets.add("worker", "js", wasm::worker_script(&worker).into_bytes()),
    );
    let script = wasm::worker_script(&verifier).into_bytes();
    names.set("verifier", assets.add_later("verifier", "js", script));
    names.set("page-js", page.script);
    names.set("page-wasm", page.wasm);
    for (name, bytes) in inputs.files {
        let (stem, extension) = name.rsplit_once('.').unwrap_or((&name, "bin"));
        let path = assets.add(stem, extension, bytes);
        names.set(format!("asset {name}"), path);
    }
    // It names the font, whose address is known only now.
    let style = html::fill(&inputs.style, &names, &html::STYLE).context("in the style sheet")?;
    names.set("style", assets.add("style", "css", style.into_bytes()));
    let index = html::fill(&inputs.template, &names, &html::PAGE).context("in app/index.html")?;

    let written = assets.write(&index, &arguments.out)?;
    inputs.stamp.write(&arguments.out)?;
    for file in &written {
        eprintln!(
            "  {:>10} {:>10} on the wire  {}",
            kib(file.size),
            kib(file.on_the_wire),
            file.path
        );
    }
    let first_load: usize = written
        .iter()
        .filter(|file| file.first_load)
        .map(|file| file.on_the_wire)
        .sum();
    eprintln!(
        "  first load of the page and its reader, on the wire: {}",
        kib(first_load)
    );
    Ok(())
}
