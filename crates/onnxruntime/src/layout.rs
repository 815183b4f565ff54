//! Which tensors ONNX Runtime takes as they lie: dense ones.

use tierwise_abi::tensor::Tensor;

use crate::model::Element;
use crate::operand::{Operand, Shape};
use crate::table::Unsupported;

/// A tensor of `element` that lies in C order, as the shape that the operator wants of it.
///
/// # Errors
/// [`Unsupported`] for other types, and for gaps between its elements.
pub fn dense<const D: usize>(
    tensor: &Tensor<D>,
    element: Element,
    shape: impl Into<Shape>,
) -> Result<Operand, Unsupported> {
    if Element::of(tensor.dtype) != Some(element) || !is_dense(&tensor.shape, &tensor.strides) {
        return Err(Unsupported);
    }
    Ok(Operand {
        data: tensor.base,
        element,
        shape: shape.into(),
    })
}

/// Whether elements lie one behind the other in C order. Strides of dimensions of size 1 are 0 in a tensor.
fn is_dense<const D: usize>(shape: &[usize; D], strides: &[usize; D]) -> bool {
    let mut next = 1;
    (0..D).rev().all(|axis| {
        let fits = shape[axis] == 1 || strides[axis] == next;
        next *= shape[axis];
        fits
    })
}

/// How a tensor `[batch, tokens, heads, head_dim]` lies in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Heads side by side in each token: `[batch, tokens, heads * head_dim]`.
    TokenMajor,
    /// Tokens side by side in each head: `[batch, heads, tokens, head_dim]`.
    HeadMajor,
}

impl Layout {
    /// The layout of a tensor; `None` where it has gaps. Token-major where it is both.
    pub fn of(tensor: &Tensor<4>) -> Option<Self> {
        [Self::TokenMajor, Self::HeadMajor]
            .into_iter()
            .find(|layout| layout.fits(tensor))
    }

    /// Whether a tensor lies like this.
    pub fn fits(self, tensor: &Tensor<4>) -> bool {
        let Tensor { shape, strides, .. } = tensor;
        match self {
            Self::TokenMajor => is_dense(shape, strides),
            Self::HeadMajor => {
                let swapped = |[a, b, c, d]: [usize; 4]| [a, c, b, d];
                is_dense(&swapped(*shape), &swapped(*strides))
            }
        }
    }

    /// A tensor that lies like this, in the shape that operators have for it.
    ///
    /// # Errors
    /// [`Unsupported`] for other types and layouts.
    pub fn operand(self, tensor: &Tensor<4>, element: Element) -> Result<Operand, Unsupported> {
        if Element::of(tensor.dtype) != Some(element) || !self.fits(tensor) {
            return Err(Unsupported);
        }
        let [batch, tokens, heads, head_dim] = tensor.shape;
        Ok(Operand {
            data: tensor.base,
            element,
            shape: match self {
                Self::TokenMajor => [batch, tokens, heads * head_dim].into(),
                Self::HeadMajor => [batch, heads, tokens, head_dim].into(),
            },
        })
    }
}
