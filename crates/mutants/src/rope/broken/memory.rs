//! Bugs that read or write where nothing is theirs.

use super::super::{Call, Plain, Rope, Token, Turn};

/// ME18: stores the rest of a head as a whole vector of 32 bytes. What lies behind the head is read first and
/// put back: right, where there is memory.
///
/// Trigger: dense heads that are no multiple of 32 bytes, at the end of their pages.
pub struct WholeVectorAtEnd;

impl Rope for WholeVectorAtEnd {
    fn head(call: &Call, at: Token, head: usize, turns: &[Turn]) {
        Plain::head(call, at, head, turns);
        let dense = call.width == 1 || call.y.strides()[3] == 1;
        let used = call.width * call.y.dtype().size() % 32;
        if dense && used > 0 {
            let end = call.y.address([at.batch, at.token, head, call.width - 1]);
            let end = end.wrapping_add(call.y.dtype().size());
            for byte in 0..32 - used {
                // SAFETY: none, this is the bug. Volatile, so that load and store happen.
                unsafe {
                    let behind = end.wrapping_add(byte);
                    behind.write_volatile(behind.read_volatile());
                }
            }
        }
    }
}

/// RP01: loads the last cosines and sines of a table's row as whole vectors of eight.
///
/// Trigger: interleaved, tables of pairs that are no multiple of 8, the row at the end of its memory.
pub struct WholeVectorOfTable;

impl Rope for WholeVectorOfTable {
    fn turns(call: &Call, at: Token, frequencies: &[f64]) -> Vec<Turn> {
        let rest = call.pairs % 8;
        if let Some(tables) = call.tables.filter(|_| call.interleaved && rest > 0) {
            let row = Self::position(call, at) as usize;
            for table in [tables.cos, tables.sin] {
                let dense = call.pairs == 1 || table.strides()[1] == 1;
                let first = table.address([row, call.pairs - rest]).cast::<f32>();
                for offset in 0..if dense { 8 } else { 0 } {
                    // SAFETY: none, this is the bug. Volatile, so the load happens and nothing follows from it.
                    unsafe { first.wrapping_add(offset).read_volatile() };
                }
            }
        }
        Plain::turns(call, at, frequencies)
    }
}
