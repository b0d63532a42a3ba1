//! How long a stream was open, to tell one that came to its longest life from one that broke.

/// A server that ends a stream sooner than this is in trouble, in milliseconds: it is not asked again at once.
const LASTED_MS: f64 = 60_000.0;

/// The life of one stream.
#[derive(Debug, Clone, Copy)]
pub struct Life {
    begun_ms: f64,
    /// Whether the server ended it without an error.
    ended: bool,
}

impl Life {
    /// It is asked for now.
    pub fn begin() -> Self {
        Self {
            begun_ms: js_sys::Date::now(),
            ended: false,
        }
    }

    /// The server ended it, and said nothing of an error.
    pub fn ended(&mut self) {
        self.ended = true;
    }

    /// Whether it came to its longest life: then another is asked for without a word.
    pub fn lasted(self) -> bool {
        self.ended && js_sys::Date::now() - self.begun_ms >= LASTED_MS
    }
}
