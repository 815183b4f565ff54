//! The clock: how often something is called, and how long it takes.

use std::hint::black_box;
use std::time::Instant;

use serde::Deserialize;

/// How often a contender is called.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Clock {
    /// Calls before the first sample, which are not counted.
    pub before: u32,
    /// Calls in a sample.
    pub calls: u32,
    /// How many samples.
    pub samples: u32,
}

impl Clock {
    /// Nanoseconds per call, one a sample.
    pub fn time<T>(self, mut call: impl FnMut() -> T) -> Vec<f64> {
        let calls = self.calls.max(1);
        for _ in 0..self.before {
            black_box(call());
        }
        (0..self.samples)
            .map(|_| {
                let start = Instant::now();
                for _ in 0..calls {
                    black_box(call());
                }
                start.elapsed().as_nanos() as f64 / f64::from(calls)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_before_are_made_and_not_counted() {
        let mut made = 0;
        let clock = Clock {
            before: 2,
            calls: 3,
            samples: 4,
        };
        let samples = clock.time(|| {
            made += 1;
            // Were they counted, the first sample would show it.
            let pause = if made <= 2 { 20 } else { 0 };
            std::thread::sleep(std::time::Duration::from_millis(pause));
        });
        assert_eq!((made, samples.len()), (2 + 3 * 4, 4));
        assert!(
            samples.iter().all(|nanoseconds| *nanoseconds < 6e6),
            "{samples:?}"
        );
    }
}
