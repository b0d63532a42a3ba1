//! The file, page by page: a strip to look at, to hover and to walk with the arrow keys.

use std::fmt::Write as _;

use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::format;
use crate::strip::{KINDS, Kind, Strip};

/// Damage is drawn at least this wide, in parts of the strip, so that one page among a million is seen.
const MIN_DAMAGE: f64 = 1.0 / 240.0;

/// The strip with its legend, which is also its text alternative.
#[component]
pub fn PageStrip(
    /// What to draw.
    strip: Strip,
) -> impl IntoView {
    let cells = strip.cells.len();
    if cells == 0 {
        return view! { <p class="muted">"No page of this file could be read."</p> }.into_any();
    }
    let paths = draw(&strip);
    let legend = legend(&strip);
    let at = RwSignal::new(None::<usize>);
    let strip = StoredValue::new(strip);
    let readout = move || {
        match at.get() {
        None => "Point at the strip, or focus it and press the arrow keys, to see which pages lie there.".to_owned(),
        Some(at) => strip.with_value(|strip| describe(strip, at)),
    }
    };
    let on_point = move |ev: web_sys::PointerEvent| {
        let Some(target) = ev
            .current_target()
            .and_then(|t| t.dyn_into::<web_sys::Element>().ok())
        else {
            return;
        };
        let rect = target.get_bounding_client_rect();
        let part = (f64::from(ev.client_x()) - rect.left()) / rect.width().max(1.0);
        at.set(Some(((part * cells as f64) as usize).min(cells - 1)));
    };
    let on_key = move |ev: web_sys::KeyboardEvent| {
        let here = at.get_untracked();
        let next = match ev.key().as_str() {
            "ArrowRight" | "ArrowUp" => here.map_or(0, |at| (at + 1).min(cells - 1)),
            "ArrowLeft" | "ArrowDown" => here.map_or(0, |at| at.saturating_sub(1)),
            "PageDown" => here.map_or(0, |at| (at + 20).min(cells - 1)),
            "PageUp" => here.map_or(0, |at| at.saturating_sub(20)),
            "Home" => 0,
            "End" => cells - 1,
            _ => return,
        };
        ev.prevent_default();
        at.set(Some(next));
    };
    view! {
        <div class="strip">
            <div
                class="strip-picture"
                role="slider"
                tabindex="0"
                aria-label="The file, page by page"
                aria-valuemin="0"
                aria-valuemax=cells - 1
                aria-valuenow=move || at.get().unwrap_or(0)
                aria-valuetext=readout
                on:pointermove=on_point
                on:pointerdown=on_point
                on:pointerleave=move |_| at.set(None)
                on:keydown=on_key
            >
                <svg viewBox=format!("0 0 {cells} 1") preserveAspectRatio="none" aria-hidden="true">{paths}</svg>
                {move || at.get().map(|at| {
                    let left = format!("{:.3}%", (at as f64 + 0.5) / cells as f64 * 100.0);
                    view! { <span class="strip-mark" style:left=left></span> }
                })}
            </div>
            <p class="strip-readout" aria-hidden="true">{readout}</p>
            {legend}
        </div>
    }
    .into_any()
}

/// One path per kind, damage last and therefore on top.
fn draw(strip: &Strip) -> Vec<AnyView> {
    let wide = strip.cells.len() as f64 * MIN_DAMAGE;
    KINDS
        .iter()
        .filter_map(|kind| {
            let mut d = String::new();
            for (first, count, of) in strip.shapes() {
                if of != *kind {
                    continue;
                }
                let (mut x, mut w) = (first as f64, count as f64);
                if of == Kind::Damaged && w < wide {
                    x = (x + w / 2.0 - wide / 2.0).clamp(0.0, strip.cells.len() as f64 - wide);
                    w = wide;
                }
                let _ = write!(d, "M{x:.2} 0h{w:.2}v1h-{w:.2}z");
            }
            (!d.is_empty()).then(|| view! { <path class=kind.class() d=d></path> }.into_any())
        })
        .collect()
}

fn legend(strip: &Strip) -> impl IntoView + use<> {
    let items = KINDS
        .iter()
        .filter(|kind| strip.total(**kind) > 0)
        .map(|kind| {
            let total = strip.total(*kind);
            let (one, many) = strip.name(*kind);
            let size = format::bytes(total.saturating_mul(u64::from(strip.page_size)));
            view! {
                <li>
                    <i class=kind.class() aria-hidden="true"></i>
                    <span>{format::count(total, &one, &many)} " " <span class="muted">{size}</span></span>
                </li>
            }
        })
        .collect_view();
    view! { <ul class="strip-legend tabular">{items}</ul> }
}

/// `pages 120 to 141, from offset 491 520: 20 key leaves, 2 free pages`.
fn describe(strip: &Strip, at: usize) -> String {
    let Some(cell) = strip.cells.get(at) else {
        return String::new();
    };
    let offset = cell.first.saturating_mul(u64::from(strip.page_size));
    let pages = if cell.count == 1 {
        format!("Page {}", format::number(cell.first))
    } else {
        format!(
            "Pages {} to {}",
            format::number(cell.first),
            format::number(cell.first + cell.count - 1)
        )
    };
    let kinds: Vec<String> = KINDS
        .iter()
        .zip(cell.kinds)
        .filter(|(_, n)| *n > 0)
        .map(|(kind, n)| {
            let (one, many) = strip.name(*kind);
            if cell.count == 1 {
                one
            } else {
                format::count(n, &one, &many)
            }
        })
        .collect();
    format!(
        "{pages}, from offset {} (0x{offset:x}): {}",
        format::number(offset),
        kinds.join(", ")
    )
}
