//! What a node is run on: tensors in the caller's memory.

use crate::model::Element;

/// The most dimensions that an operator here takes.
pub const MAX_RANK: usize = 4;

/// A dense tensor in the caller's memory, in C order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operand {
    pub data: *mut u8,
    pub element: Element,
    pub shape: Shape,
}

/// Up to [`MAX_RANK`] sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    sizes: [i64; MAX_RANK],
    rank: usize,
}

impl<const D: usize> From<[usize; D]> for Shape {
    fn from(shape: [usize; D]) -> Self {
        const { assert!(D <= MAX_RANK) };
        let mut sizes = [0; MAX_RANK];
        for (size, &from) in sizes.iter_mut().zip(&shape) {
            *size = from as i64;
        }
        Self { sizes, rank: D }
    }
}

impl Shape {
    /// The sizes, as many as there are dimensions.
    pub fn sizes(&self) -> &[i64] {
        &self.sizes[..self.rank]
    }

    /// How many elements.
    pub fn count(&self) -> usize {
        self.sizes().iter().product::<i64>() as usize
    }
}
