//! Bugs of kernels on several threads.

use super::super::{Call, Gqa, Place, Scored};
use crate::means::side_by_side;

/// ME14: writes a row of scores rounded up to whole vectors, over the beginning of the next head's. That head
/// is on another thread, and may be done with its own.
///
/// Trigger: threads, keys that are no multiple of 16.
pub struct ScoresSpill;

impl ScoresSpill {
    const VECTOR: usize = 16;

    /// The live scores of a head to its row of the scratch, which ends where its keys do.
    fn write_scores(call: &Call, at: Place) {
        let (row, length) = (at.head * call.capacity, Self::length(call, at.batch));
        for Scored { key, score } in Self::live(call, at, 0..length) {
            call.means.set(row + key, score);
        }
        (length..length.next_multiple_of(Self::VECTOR))
            .for_each(|key| call.means.set(row + key, 0.0));
    }

    fn row_of_scores(call: &Call, at: Place) {
        let mut live = Self::live(call, at, 0..Self::length(call, at.batch));
        for scored in &mut live {
            scored.score = call.means.get(at.head * call.capacity + scored.key);
        }
        let mut state = Self::start(call);
        Self::absorb(call, at, &mut state, &live);
        Self::write(call, at, &state);
    }
}

impl Gqa for ScoresSpill {
    fn scratch(call: &Call) -> usize {
        (call.heads * call.capacity + Self::VECTOR) * size_of::<f32>()
    }

    fn run(call: &Call) {
        let parts = call.means.threads.min(call.heads);
        let heads = |part: usize| part * call.heads / parts..(part + 1) * call.heads / parts;
        for batch in 0..call.batches {
            for query in 0..call.queries {
                let at = |head| Place { batch, query, head };
                side_by_side(parts, |part| {
                    heads(part).for_each(|h| Self::write_scores(call, at(h)))
                });
                side_by_side(parts, |part| {
                    heads(part).for_each(|h| Self::row_of_scores(call, at(h)))
                });
            }
        }
    }
}
