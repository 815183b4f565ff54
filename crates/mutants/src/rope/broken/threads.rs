//! Bugs of kernels on several threads.

use super::super::{Call, Plain, Rope, Token, Turn};
use crate::means::side_by_side;

/// RP29: all threads keep the turns of their token in one place.
///
/// Trigger: threads, several tokens at different positions.
pub struct SharedTurns;

impl Rope for SharedTurns {
    fn scratch(call: &Call) -> usize {
        2 * call.pairs * size_of::<f32>()
    }

    fn run(call: &Call) {
        let frequencies = Self::frequencies(call);
        let tokens = call.batches * call.tokens;
        let parts = call.means.threads.min(tokens);
        side_by_side(parts, |part| {
            for token in (part..tokens).step_by(parts) {
                let at = Token {
                    batch: token / call.tokens,
                    token: token % call.tokens,
                };
                for (pair, turn) in Plain::turns(call, at, &frequencies).into_iter().enumerate() {
                    call.means.set(2 * pair, turn.cos);
                    call.means.set(2 * pair + 1, turn.sin);
                }
                for head in 0..call.heads {
                    let kept = |pair: usize| Turn {
                        cos: call.means.get(2 * pair),
                        sin: call.means.get(2 * pair + 1),
                    };
                    let turns: Vec<_> = (0..call.pairs).map(kept).collect();
                    Self::head(call, at, head, &turns);
                }
            }
        });
    }
}
