//! The first and the last step of an item: its queries, and its answers.

use std::marker::PhantomData;

use tierwise_abi::tensor::Tensor;

use super::direct;
use super::item::Item;
use super::panel::LINE;
use super::plan::{FEW, Space};
use super::state::State;
use super::tile::rows_of;
use crate::access::{Layout, Rows, Strided};
use crate::simd::{Element, First, LANES, Simd, TileWork, Work};

/// Copies the queries, widened, as tiles read them: `[dims][rows of the tile]`.
pub struct Load<'a, E> {
    pub item: &'a Item<'a>,
    pub space: Space,
    pub element: PhantomData<E>,
}

impl<E: Element> Work for Load<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        s.tiled(self);
    }
}

impl<E: Element> TileWork for Load<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd, const ROWS: usize, const VECTORS: usize>(self, s: S) {
        let Self { item, space, .. } = self;
        let dims = item.call.head_dim();
        let most = match item.rows {
            ..=FEW => ROWS.min(direct::ROWS),
            _ => ROWS,
        };
        let mut first = 0;
        while first < item.rows {
            let rows = rows_of(item.rows - first, most);
            let queries: [_; LANES] = std::array::from_fn(|row| {
                let [query, head] = item.place(first + row.min(rows - 1));
                Rows::<E>::of_block(&item.call.q, [item.batch, query]).at(head)
            });
            for row in first + rows..item.rows.min(first + 2 * rows) {
                ask::<E, S>(s, item, &item.call.q, row);
            }
            for d in (0..dims).step_by(LANES) {
                let lanes = First((dims - d).min(LANES));
                let mut square = [s.splat(0.0); LANES];
                for (elements, &query) in square.iter_mut().zip(&queries).take(rows) {
                    // SAFETY: the call was checked.
                    *elements = unsafe { Strided::load(s, query, d, lanes) };
                }
                let to = space.queries.wrapping_add(first * dims + d * rows);
                for (i, column) in s.transpose(square).into_iter().enumerate().take(lanes.0) {
                    // SAFETY: the space has queries of all rows.
                    unsafe { s.store_f32_first(to.wrapping_add(i * rows), column, rows) };
                }
            }
            first += rows;
        }
    }
}

/// Rows between the one that is written and the one that is asked for.
const EARLY: usize = 8;

/// Divides sums by totals, and rounds. A row that saw nothing has a total of 0, and is +0.
pub struct Finish<'a, E> {
    pub item: &'a Item<'a>,
    pub state: State,
    pub element: PhantomData<E>,
}

impl<E: Element> Work for Finish<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { item, state, .. } = self;
        let dims = item.call.head_dim();
        for row in 0..item.rows {
            let [query, head] = item.place(row);
            let to = Rows::<E>::of_block(&item.call.out, [item.batch, query]).at(head);
            let sums = state.sums.wrapping_add(row * state.padded);
            if row + EARLY < item.rows {
                ask::<E, S>(s, item, &item.call.out, row + EARLY);
            }
            // SAFETY: the state is the item's; the call was checked.
            unsafe {
                let total = *state.total.wrapping_add(row);
                let share = s.splat(if total == 0.0 { 0.0 } else { 1.0 / total });
                for d in (0..dims).step_by(LANES) {
                    let sum = s.load_f32(sums.wrapping_add(d));
                    // An underflow below 0 leaves -0 in a sum, or not, by the arithmetic of the tier.
                    let value = s.add(s.mul(sum, share), s.splat(0.0));
                    Strided::store(s, to, d, value, First((dims - d).min(LANES)));
                }
            }
        }
    }
}

/// Asks for a row of q or out: rows of a query follow one another, the next query's are far away.
#[inline(always)]
fn ask<E: Element, S: Simd>(s: S, item: &Item, tensor: &Tensor<4>, row: usize) {
    let [query, head] = item.place(row);
    let start = Rows::<E>::of_block(tensor, [item.batch, query])
        .at(head)
        .address(0);
    for byte in (0..tensor.shape[3] * size_of::<E>()).step_by(LINE) {
        s.prefetch(start.wrapping_byte_add(byte));
    }
}
