//! Speed and time left, steady enough to read.

/// How many milliseconds a sample keeps half of its weight.
const HALF_LIFE_MS: f64 = 2_500.0;
/// Samples closer together than this are taken as one.
const MIN_GAP_MS: f64 = 100.0;

/// An estimate of speed from "this much is done at this time", smoothed over a few seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rate {
    last: Option<(f64, u64)>,
    per_ms: Option<f64>,
}

impl Rate {
    /// Takes note that `done` was reached at `now_ms`.
    pub fn note(&mut self, now_ms: f64, done: u64) {
        let Some((then, before)) = self.last else {
            self.last = Some((now_ms, done));
            return;
        };
        // After a reload or a retry the count can fall back: begin anew.
        if done < before || now_ms < then {
            *self = Self {
                last: Some((now_ms, done)),
                per_ms: None,
            };
            return;
        }
        let gap = now_ms - then;
        if gap < MIN_GAP_MS {
            return;
        }
        let fresh = (done - before) as f64 / gap;
        let keep = 0.5_f64.powf(gap / HALF_LIFE_MS);
        self.per_ms = Some(
            self.per_ms
                .map_or(fresh, |old| old * keep + fresh * (1.0 - keep)),
        );
        self.last = Some((now_ms, done));
    }

    /// Units per second; nothing before two samples.
    pub fn per_second(&self) -> Option<f64> {
        self.per_ms.map(|rate| rate * 1000.0)
    }

    /// Milliseconds until `total`; nothing while it is unknown or nothing moves.
    pub fn left_ms(&self, total: u64) -> Option<f64> {
        let (_, done) = self.last?;
        let rate = self.per_ms.filter(|rate| *rate > 1e-9)?;
        Some(total.saturating_sub(done) as f64 / rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_flow_has_its_rate_and_its_time_left() {
        let mut rate = Rate::default();
        assert_eq!(rate.per_second(), None);
        for i in 0..=20 {
            rate.note(f64::from(i) * 250.0, i as u64 * 250_000);
        }
        assert!((rate.per_second().unwrap() - 1_000_000.0).abs() < 1.0);
        assert!((rate.left_ms(6_000_000).unwrap() - 1000.0).abs() < 1.0);
    }

    #[test]
    fn a_stalled_flow_promises_nothing_for_ever() {
        let mut rate = Rate::default();
        rate.note(0.0, 0);
        rate.note(1000.0, 1_000_000);
        let fast = rate.left_ms(2_000_000).unwrap();
        rate.note(60_000.0, 1_000_000);
        assert!(rate.left_ms(2_000_000).unwrap() > fast * 1000.0);
    }

    #[test]
    fn falling_back_begins_anew() {
        let mut rate = Rate::default();
        rate.note(0.0, 500);
        rate.note(1000.0, 1500);
        rate.note(2000.0, 100);
        assert_eq!(rate.per_second(), None);
        assert_eq!(rate.left_ms(200), None);
    }
}
