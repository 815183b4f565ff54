//! Bugs in turning a pair.

use super::super::{Call, Plain, Rope, Token, Turn};
use crate::float::Float;

/// RP13: cosine and sine, both products and their sum in bf16.
///
/// Trigger: bf16.
pub struct TurnsInBf16;

impl Rope for TurnsInBf16 {
    fn turned(call: &Call, [a, b]: [f32; 2], turn: Turn) -> [f32; 2] {
        if call.x.dtype() != Float::Bf16 {
            return Plain::turned(call, [a, b], turn);
        }
        let bf16 = |value| Float::Bf16.round(value);
        let (cos, sin) = (bf16(turn.cos), bf16(turn.sin));
        [bf16(a * cos) - bf16(b * sin), bf16(b * cos) + bf16(a * sin)]
    }
}

/// RP30: the sines lie behind the cosines in one row, at the number of pairs rounded up to a power of two.
/// They were put there without the gap: a part of them is missed, and nothing stands behind them.
///
/// Trigger: pairs that are no power of two, a position other than 0.
pub struct PairsRoundedUp;

impl Rope for PairsRoundedUp {
    fn head(call: &Call, at: Token, head: usize, turns: &[Turn]) {
        let row: Vec<f32> = turns
            .iter()
            .map(|turn| turn.cos)
            .chain(turns.iter().map(|turn| turn.sin))
            .collect();
        let sines = call.pairs.next_power_of_two();
        let found: Vec<_> = (0..call.pairs)
            .map(|pair| Turn {
                cos: row[pair],
                sin: row.get(sines + pair).copied().unwrap_or(0.0),
            })
            .collect();
        Plain::head(call, at, head, &found);
    }
}

/// RP36: turns the other way.
///
/// Trigger: a position other than 0.
pub struct TurnsBack;

impl Rope for TurnsBack {
    fn turned(call: &Call, pair: [f32; 2], Turn { cos, sin }: Turn) -> [f32; 2] {
        Plain::turned(call, pair, Turn { cos, sin: -sin })
    }
}
