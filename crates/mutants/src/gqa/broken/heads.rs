//! Bugs in which kv head belongs to a query head.

use super::super::{Call, Gqa, TwoPass};
use crate::float::Float;

/// GQ18: kv heads in turn, not in groups.
///
/// Trigger: more than one kv head, and more query heads.
pub struct HeadsInTurn;

impl Gqa for HeadsInTurn {
    fn kv_head(call: &Call, head: usize) -> usize {
        head % call.kv_heads
    }
}

/// GQ22: in bf16, eight query heads at a time share the keys of the first of them.
///
/// Trigger: bf16 keys, groups of another size than a multiple of 8, or than 1.
pub struct GroupsOfEight;

impl Gqa for GroupsOfEight {
    fn kv_head(call: &Call, head: usize) -> usize {
        let grouped = call.k.dtype() == Float::Bf16 && call.heads > call.kv_heads;
        TwoPass::kv_head(call, if grouped { head / 8 * 8 } else { head })
    }
}

/// GQ20: keys and values are found by the query head, as if there were one for each.
///
/// Trigger: fewer kv heads than heads.
pub struct HeadsNotGrouped;

impl Gqa for HeadsNotGrouped {
    fn kv_head(_: &Call, head: usize) -> usize {
        head
    }

    fn key(call: &Call, [outer, inner]: [usize; 2], kv_head: usize, d: usize) -> f32 {
        call.k.peek([outer, inner, kv_head, d])
    }

    fn value(call: &Call, [outer, inner]: [usize; 2], kv_head: usize, d: usize) -> f32 {
        call.v.peek([outer, inner, kv_head, d])
    }
}
