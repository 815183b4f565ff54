//! Tensors without gaps: what a roof copies or reads is one stretch of bytes, in whatever order it is looked at.

use crate::request::Tensor;

/// Bytes of a tensor that lies in its slot without gaps, its dimensions in any order. A dimension of stride 0 is
/// the same bytes again. `None`: there are gaps, or elements that share bytes otherwise.
pub fn dense_bytes(tensor: &Tensor) -> Option<usize> {
    let dimensions = tensor.shape.iter().zip(&tensor.strides);
    let mut told: Vec<_> = dimensions
        .filter(|(size, stride)| **size != 1 && **stride != 0)
        .collect();
    told.sort_by_key(|(_, stride)| **stride);
    let elements = told
        .into_iter()
        .try_fold(1_i64, |expected, (size, stride)| {
            (*stride == expected).then(|| expected * size)
        })?;
    usize::try_from(elements)
        .ok()
        .map(|elements| elements * tensor.dtype.bytes())
}

/// Whether strides (in elements) are those that a tensor without strides has: C order, no gaps. What strides of
/// dimensions of size 1 are does not matter, nor any where there are no elements.
pub fn is_c_order(shape: &[i64], strides: &[i64]) -> bool {
    let mut expected = 1;
    shape.contains(&0)
        || shape.iter().zip(strides).rev().all(|(size, stride)| {
            let holds = *size == 1 || *stride == expected;
            expected *= size;
            holds
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Dtype;

    fn bytes(shape: &[i64], strides: &[i64]) -> Option<usize> {
        dense_bytes(&Tensor {
            slot: Some(0),
            offset: 0,
            shape: shape.to_vec(),
            strides: strides.to_vec(),
            dtype: Dtype::F16,
        })
    }

    #[test]
    fn the_order_of_dimensions_does_not_matter() {
        assert_eq!(bytes(&[2, 3, 4], &[12, 4, 1]), Some(48));
        // A cache, head after head, looked at token by token.
        assert_eq!(bytes(&[1, 5, 8, 64], &[2560, 64, 320, 1]), Some(5120));
        assert_eq!(bytes(&[1, 1], &[77, 5]), Some(2));
    }

    #[test]
    fn what_is_the_same_bytes_again_counts_once() {
        assert_eq!(bytes(&[7, 4], &[0, 1]), Some(8));
        assert_eq!(bytes(&[7, 4], &[2, 1]), None);
    }

    #[test]
    fn gaps_and_reversed_rows_are_not_dense() {
        for strides in [[5, 1], [4, 2], [4, -1]] {
            assert_eq!(bytes(&[3, 4], &strides), None, "{strides:?}");
        }
    }

    #[test]
    fn c_order_is_one_of_the_orders() {
        assert!(is_c_order(&[2, 3, 4], &[12, 4, 1]));
        assert!(is_c_order(&[1, 3, 4], &[77, 4, 1]));
        assert!(is_c_order(&[5, 0, 4], &[1, 2, 3]));
        for strides in [[4, 8, 1], [13, 4, 1], [0, 4, 1], [12, 4, 2]] {
            assert!(!is_c_order(&[2, 3, 4], &strides), "{strides:?}");
        }
    }
}
