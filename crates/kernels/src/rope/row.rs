//! A token's cosines and sines, made once for all of its heads.

use std::marker::PhantomData;
use std::slice;

use tierwise_abi::rope::{Angles, RopeCall, Scaling};

use super::rotate::Pairing;
use super::sin_cos::sin_cos;
use crate::access::{Layout, Rows, Strided};
use crate::simd::{Element, First, LANES, Lanes, Simd, Work};

/// A token's cosines and sines, in the order in which its pairing reads them.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Cosines.
    pub cos: *const f32,
    /// Sines.
    pub sin: *const f32,
}

impl Row {
    /// Elements `i..`.
    ///
    /// # Safety
    /// It has so many from `i` on, readable.
    #[inline(always)]
    pub unsafe fn load<S: Simd>(self, s: S, i: usize, lanes: impl Lanes) -> (S::F32, S::F32) {
        // SAFETY: the caller's word.
        unsafe {
            (
                f32::load(s, self.cos.wrapping_add(i), lanes),
                f32::load(s, self.sin.wrapping_add(i), lanes),
            )
        }
    }
}

/// Memory for a [`Row`]: `floats` cosines, then as many sines, a multiple of 16 both.
#[derive(Clone, Copy, Debug)]
pub struct Space {
    /// Its first element.
    pub start: *mut f32,
    /// Half of its elements.
    pub floats: usize,
}

/// Where rows come from.
#[derive(Clone, Copy)]
pub enum Source<'a> {
    /// Position times frequency.
    Computed {
        /// A multiple of 16; those beyond the pairs do not count.
        frequencies: &'a [f64],
        /// What every cosine and sine is multiplied by.
        attention_factor: f64,
    },
    /// Rows of tables.
    Tables {
        /// Cosines.
        cos: Rows<f32>,
        /// Sines.
        sin: Rows<f32>,
    },
}

impl<'a> Source<'a> {
    /// The source of a call that has these frequencies, if it has any.
    pub fn of(call: &RopeCall, frequencies: &'a [f64]) -> Self {
        match &call.angles {
            Angles::Computed { scaling, .. } => Self::Computed {
                frequencies,
                attention_factor: match *scaling {
                    Scaling::Yarn {
                        attention_factor, ..
                    } => attention_factor,
                    _ => 1.0,
                },
            },
            Angles::Tables { cos, sin } => Self::Tables {
                cos: Rows::of(cos),
                sin: Rows::of(sin),
            },
        }
    }

    /// Whether rows are read where they lie, by a pairing that repeats them so often.
    pub fn is_direct(&self, repeats: usize) -> bool {
        match self {
            Self::Computed { .. } => false,
            Self::Tables { cos, sin } => repeats == 1 && cos.is_dense() && sin.is_dense(),
        }
    }

    /// The row of a position, made in `space` where it does not lie in a table as it is read.
    ///
    /// # Safety
    /// The position is not negative and inside the tables, whose rows have `pairs` readable elements. Unless the
    /// source is direct, the space is writable, nobody else's, and fits the pairs.
    #[inline(always)]
    pub unsafe fn row<S: Simd, P: Pairing>(
        &self,
        s: S,
        position: i32,
        pairs: usize,
        space: Space,
    ) -> Row {
        match self {
            Self::Tables { cos, sin } if self.is_direct(P::REPEATS) => Row {
                cos: cos.at(position as usize).element(0),
                sin: sin.at(position as usize).element(0),
            },
            source => {
                // SAFETY: the caller's word.
                let space = unsafe { slice::from_raw_parts_mut(space.start, 2 * space.floats) };
                let (cos, sin) = space.split_at_mut(space.len() / 2);
                let row = Row {
                    cos: cos.as_ptr(),
                    sin: sin.as_ptr(),
                };
                s.vectorize(Making::<P> {
                    source,
                    position,
                    pairs,
                    cos,
                    sin,
                    pairing: PhantomData,
                });
                row
            }
        }
    }
}

/// A row that is being made, where its [`Source::row`] said that it may.
struct Making<'a, P> {
    source: &'a Source<'a>,
    position: i32,
    pairs: usize,
    cos: &'a mut [f32],
    sin: &'a mut [f32],
    pairing: PhantomData<P>,
}

impl<P: Pairing> Work for Making<'_, P> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let repeated = LANES * P::REPEATS;
        let to = self.cos.chunks_exact_mut(repeated);
        let to = to.zip(self.sin.chunks_exact_mut(repeated));
        match *self.source {
            Source::Computed {
                frequencies,
                attention_factor,
            } => {
                let position = f64::from(self.position);
                for (frequencies, (to_cos, to_sin)) in frequencies.as_chunks().0.iter().zip(to) {
                    let (sin, cos) = sin_cos(&frequencies.map(|frequency| position * frequency));
                    let rounded = |value: f64| (value * attention_factor) as f32;
                    P::repeat(&cos.map(rounded), &sin.map(rounded), to_cos, to_sin);
                }
            }
            Source::Tables { cos, sin } => {
                let row = self.position as usize;
                for (i, (to_cos, to_sin)) in (0..).step_by(LANES).zip(to) {
                    let load = |table: Rows<f32>| {
                        let mut lanes = [0.0; LANES];
                        let count = First((self.pairs - i).min(LANES));
                        // SAFETY: the row is inside the table and has so many elements; an array of 16.
                        unsafe {
                            let v = Strided::load(s, table.at(row), i, count);
                            s.store_f32(lanes.as_mut_ptr(), v);
                        }
                        lanes
                    };
                    P::repeat(&load(cos), &load(sin), to_cos, to_sin);
                }
            }
        }
    }
}
