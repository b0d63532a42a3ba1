//! Room at a destination: what is needed, of what is free.

use leptos::prelude::*;

use crate::components::share_bar::{Share, ShareBar};
use crate::format;

/// The bar, and the same in words.
#[component]
pub fn Space(
    /// Bytes that are needed.
    need: u64,
    /// Bytes that are free; none where that is not known.
    free: Option<u64>,
) -> impl IntoView {
    let label = words(need, free);
    let Some(free) = free else {
        return view! { <p class="small">{label}</p> }.into_any();
    };
    let shares = match need <= free {
        true => vec![
            Share::new("Needed", "restored", need),
            Share::new("Free afterwards", "free", free - need),
        ],
        false => vec![
            Share::new("Free", "free", free),
            Share::new("Missing", "missing", need - free),
        ],
    };
    view! { <ShareBar label shares /> }.into_any()
}

/// `Needs 1.40 GiB of 61.3 GiB free`.
fn words(need: u64, free: Option<u64>) -> String {
    let Some(free) = free else {
        return format!("Needs {}; free space is unknown.", format::bytes(need));
    };
    // What differs never looks the same.
    let size = match format::bytes(need) == format::bytes(free) && need != free {
        true => format::exact_bytes,
        false => format::bytes,
    };
    let (need_words, free_words) = (size(need), size(free));
    match need <= free {
        true => format!("Needs {need_words} of {free_words} free"),
        false => format!("Needs {need_words}, with only {free_words} free"),
    }
}

#[cfg(test)]
mod tests {
    use super::words;

    fn plain(need: u64, free: Option<u64>) -> String {
        words(need, free).replace('\u{202f}', " ")
    }

    #[test]
    fn what_is_needed_is_told_of_what_is_free() {
        const GIB: u64 = 1 << 30;
        assert_eq!(
            plain(GIB, Some(60 * GIB)),
            "Needs 1.00 GiB of 60.0 GiB free"
        );
        assert_eq!(
            plain(GIB, Some(GIB / 2)),
            "Needs 1.00 GiB, with only 512 MiB free"
        );
        assert_eq!(
            plain(GIB + 1, Some(GIB)),
            "Needs 1 073 741 825 bytes, with only 1 073 741 824 bytes free"
        );
        assert_eq!(
            plain(GIB, Some(512)),
            "Needs 1.00 GiB, with only 512 bytes free"
        );
        assert_eq!(plain(2, Some(1)), "Needs 2 bytes, with only 1 byte free");
        assert_eq!(plain(GIB, None), "Needs 1.00 GiB; free space is unknown.");
        assert_eq!(plain(0, Some(0)), "Needs 0 bytes of 0 bytes free");
    }
}
