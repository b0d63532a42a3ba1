//! The file, page by page: a map to look at, to hover and to walk with the arrow keys.

use std::fmt::Write as _;

use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::format;
use crate::page_map::{KINDS, Kind, PageMapView, UNUSED};

/// Damage is drawn at least this wide, in parts of the page map, so that one page among a million is seen.
const MIN_DAMAGE: f64 = 1.0 / 240.0;

/// The page map with its legend, which is also its text alternative.
#[component]
pub fn PageMap(
    /// What to draw.
    map: PageMapView,
) -> impl IntoView {
    let cells = map.cells.len();
    if cells == 0 {
        return view! { <p class="muted">"No page of this file could be read."</p> }.into_any();
    }
    let paths = draw(&map);
    let missing = missing(&map);
    let space = space(&map);
    let legend = legend(&map);
    let at = RwSignal::new(None::<usize>);
    let map = StoredValue::new(map);
    let readout = move || match at.get() {
        None => "Point at the map, or focus it and use the arrow keys, to see the pages there."
            .to_owned(),
        Some(at) => map.with_value(|map| describe(map, at)),
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
        <div class="page-map">
            <div
                class="page-map-picture"
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
                {missing}
                {move || at.get().map(|at| {
                    let left = format!("{:.3}%", (at as f64 + 0.5) / cells as f64 * 100.0);
                    view! { <span class="page-map-mark" style:left=left></span> }
                })}
            </div>
            <p class="page-map-readout" aria-hidden="true">{readout}</p>
            {space}
            {legend}
        </div>
    }
    .into_any()
}

/// One path per colour, damage last and therefore on top. The height is what part of a place has the colour.
fn draw(map: &PageMapView) -> Vec<AnyView> {
    let cells = map.cells.len() as f64;
    let wide = cells * MIN_DAMAGE;
    let damaged = Kind::Damaged.class();
    let mut paths: Vec<(&str, String)> = Vec::new();
    for (first, count, shares) in map.shapes() {
        let mut top = 1.0;
        for share in shares {
            let (mut x, mut w) = (first as f64, count as f64);
            if share.class == damaged && w < wide {
                x = (x + w / 2.0 - wide / 2.0).clamp(0.0, cells - wide);
                w = wide;
            }
            top -= share.height;
            let at = paths.iter().position(|(class, _)| *class == share.class);
            let at = at.unwrap_or_else(|| {
                paths.push((share.class, String::new()));
                paths.len() - 1
            });
            let h = share.height;
            let _ = write!(paths[at].1, "M{x:.2} {top:.3}h{w:.2}v{h:.3}h-{w:.2}z");
        }
    }
    paths.sort_by_key(|(class, _)| *class == damaged);
    let paths = paths.into_iter();
    paths
        .map(|(class, d)| view! { <path class=class d=d></path> }.into_any())
        .collect()
}

/// The part that is behind the end of the file, hatched.
fn missing(map: &PageMapView) -> Option<impl IntoView + use<>> {
    let cells = map.cells.len() as f64;
    let first = map
        .cells
        .iter()
        .position(|cell| cell.kind() == Kind::Missing)?;
    let left = format!("{:.3}%", first as f64 / cells * 100.0);
    Some(view! { <span class="page-map-missing kind-missing" style:left=left></span> })
}

/// How the space of the file is divided, as one bar.
fn space(map: &PageMapView) -> impl IntoView + use<> {
    let mut x = 0.0;
    let total = map.pages.max(1) as f64;
    let parts: Vec<_> = parts(map)
        .into_iter()
        .map(|part| {
            let width = part.pages / total * 100.0;
            let d = format!("M{x:.3} 0h{width:.3}v1h-{width:.3}z");
            x += width;
            view! { <path class=part.class d=d></path> }
        })
        .collect();
    view! {
        <svg class="page-map-space" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">{parts}</svg>
    }
}

/// A part of the file's space.
struct Part {
    class: &'static str,
    /// Not always a whole number.
    pages: f64,
    /// What there is: `120 key leaves`.
    what: String,
    bytes: u64,
}

/// The file's space: pages by kind, those of leaves without what they leave unused.
fn parts(map: &PageMapView) -> Vec<Part> {
    let page_size = u64::from(map.page_size).max(1);
    let unused = map.unused().unwrap_or_default();
    let leaves = map.total(Kind::MainLeaf) + map.total(Kind::OtherLeaf);
    let fill = 1.0 - unused as f64 / (leaves.max(1) as f64 * page_size as f64);
    let mut parts = Vec::new();
    for kind in KINDS {
        let total = map.total(kind);
        if kind == Kind::Free && unused > 0 {
            parts.push(Part {
                class: UNUSED,
                pages: unused as f64 / page_size as f64,
                what: "unused space in leaves".into(),
                bytes: unused,
            });
        }
        if total == 0 {
            continue;
        }
        let (one, many) = map.name(kind);
        let leaf = matches!(kind, Kind::MainLeaf | Kind::OtherLeaf);
        parts.push(Part {
            class: kind.class(),
            pages: total as f64 * if leaf { fill } else { 1.0 },
            what: format::count(total, &one, &many),
            bytes: total.saturating_mul(page_size),
        });
    }
    parts
}

fn legend(map: &PageMapView) -> impl IntoView + use<> {
    let items = parts(map)
        .into_iter()
        .map(|part| {
            view! {
                <li>
                    <i class=part.class aria-hidden="true"></i>
                    <span>{part.what} " " <span class="muted">{format::bytes(part.bytes)}</span></span>
                </li>
            }
        })
        .collect_view();
    view! { <ul class="page-map-legend tabular">{items}</ul> }
}

/// `pages 120 to 141, from offset 491 520: 20 key leaves, 2 free pages`.
fn describe(map: &PageMapView, at: usize) -> String {
    let Some(cell) = map.cells.get(at) else {
        return String::new();
    };
    let offset = cell.first.saturating_mul(u64::from(map.page_size));
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
            let (one, many) = map.name(*kind);
            if cell.count == 1 {
                one
            } else {
                format::count(n, &one, &many)
            }
        })
        .collect();
    let fill = match (map.leaf_bytes, cell.fill(map.page_size)) {
        (Some(_), Some(fill)) => format!("; leaves {fill} % full"),
        _ => String::new(),
    };
    format!(
        "{pages}, from offset {} (0x{offset:x}): {}",
        format::number(offset),
        kinds.join(", ")
    ) + &fill
}
