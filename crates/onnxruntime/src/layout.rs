//! Which tensors ONNX Runtime takes as they lie: dense ones.

use tierwise_abi::tensor::Tensor;

use crate::model::Element;
use crate::session::{Operand, Shape};
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
