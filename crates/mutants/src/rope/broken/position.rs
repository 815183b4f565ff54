//! Bugs in where a token stands.

use super::super::{Call, Rope, Tables, Token, Turn};

/// RP20: counts tokens instead of reading their positions.
///
/// Trigger: positions other than 0, 1, 2 and so on.
pub struct CountsTokens;

impl Rope for CountsTokens {
    fn position(_: &Call, at: Token) -> i32 {
        at.token as i32
    }

    fn looked_up(tables: &Tables, row: usize, pair: usize) -> Turn {
        Turn {
            cos: tables.cos.peek([row, pair]),
            sin: tables.sin.peek([row, pair]),
        }
    }
}

/// RP22: the branch for one token, as in decoding, takes the tables from their beginning.
///
/// Trigger: tables, one token, a position other than 0.
pub struct TableNotSliced;

impl Rope for TableNotSliced {
    fn position(call: &Call, at: Token) -> i32 {
        if call.tokens == 1 && call.tables.is_some() {
            0
        } else {
            call.positions.get([at.batch, at.token])
        }
    }
}

/// RP19: every batch turns by the positions of the first.
///
/// Trigger: several batches with positions of their own.
pub struct FirstBatchForAll;

impl Rope for FirstBatchForAll {
    fn position(call: &Call, at: Token) -> i32 {
        call.positions.get([0, at.token])
    }
}
