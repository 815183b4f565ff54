//! Bugs in where keys lie, and in what may be asked for.

use super::super::{Call, Gqa};

/// GQ33: finds keys by offsets of 32 bits.
///
/// Trigger: a key 2^31 elements or more from the first.
pub struct OffsetsWrap;

impl Gqa for OffsetsWrap {
    fn key(call: &Call, [outer, inner]: [usize; 2], kv_head: usize, d: usize) -> f32 {
        let index = [outer, inner, kv_head, d];
        let terms = index.into_iter().zip(call.k.strides());
        let offset = terms.fold(0_i32, |offset, (i, stride)| {
            offset.wrapping_add((i as i32).wrapping_mul(stride as i32))
        });
        call.k.peek_at(offset as usize)
    }
}

/// ME11: lengths are refused that are negative *and* beyond the cache: none are.
///
/// Trigger: a length below 0 or above the capacity.
pub struct LengthsUnchecked;

impl Gqa for LengthsUnchecked {
    fn accepts(call: &Call) -> bool {
        let refused = |length: i64| length < 0 && length > call.capacity as i64;
        let lengths = call.kv_len.into_iter();
        let mut all = lengths.flat_map(|lengths| (0..call.batches).map(move |b| lengths.get([b])));
        !all.any(|length| refused(length.into())) && (!call.lengths_fit() || call.blocks_exist())
    }

    fn length(call: &Call, batch: usize) -> usize {
        let given = call
            .kv_len
            .map_or(call.capacity as i32, |lengths| lengths.get([batch]));
        given.max(0) as usize
    }

    fn slot(call: &Call, batch: usize, key: usize) -> [usize; 2] {
        if key < call.capacity {
            call.slot(batch, key)
        } else {
            [batch, key]
        }
    }

    fn key(call: &Call, [outer, inner]: [usize; 2], kv_head: usize, d: usize) -> f32 {
        call.k.peek([outer, inner, kv_head, d])
    }

    fn value(call: &Call, [outer, inner]: [usize; 2], kv_head: usize, d: usize) -> f32 {
        call.v.peek([outer, inner, kv_head, d])
    }
}
