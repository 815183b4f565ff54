//! Whether two tensors share a byte: exactly, element by element, as the contract asks, and without
//! looking at every element unless nothing cheaper decides.

use crate::invalid::{Invalid, MAX_DIMS, Rule, Value};
use crate::tensor::Tensor;

/// A tensor that a call writes: each of its elements has an address of its own.
#[derive(Clone, Copy, Debug)]
pub struct Output<'a, const D: usize> {
    name: &'static str,
    tensor: &'a Tensor<D>,
}

impl<'a, const D: usize> Output<'a, D> {
    /// The output that the caller passed as `name`.
    ///
    /// # Errors
    /// [`Rule::StridesDoNotNest`].
    #[inline]
    pub fn new(name: &'static str, tensor: &'a Tensor<D>) -> Result<Self, Invalid> {
        tensor.require_nested(name)?;
        Ok(Self { name, tensor })
    }

    /// Refuses to share a byte with `other`, if there is one.
    ///
    /// # Errors
    /// [`Rule::Overlaps`].
    #[inline]
    pub fn apart_from<const B: usize>(
        &self,
        name: &'static str,
        other: Option<&Tensor<B>>,
    ) -> Result<(), Invalid> {
        match other {
            Some(other) if overlap(self.tensor, other) => {
                let value = Value::Address(self.tensor.base.addr());
                Err(Invalid::new(self.name, value, Rule::Overlaps(name)))
            }
            _ => Ok(()),
        }
    }

    /// As [`apart_from`](Self::apart_from), but it may *be* the input: same base, shape, strides and type.
    ///
    /// # Errors
    /// [`Rule::Overlaps`].
    #[inline]
    pub fn apart_or_in_place(
        &self,
        name: &'static str,
        input: Option<&Tensor<D>>,
    ) -> Result<(), Invalid> {
        self.apart_from(name, input.filter(|&input| input != self.tensor))
    }
}

/// Whether elements that the two tensors name share a byte. The strides of `nested` must nest.
///
/// Three steps, each exact when it answers: the ranges are apart; the residues modulo the common divisor
/// of all strides are apart (slices of one buffer, interleaved by column or by element); or every
/// contiguous run of `other` is looked up in `nested`, skipping blocks that lie in its gaps. The last costs
/// at most [`MAX_DIMS`] lookups a run, each a division a dimension: less than reading `other` once.
#[inline]
pub fn overlap<const A: usize, const B: usize>(nested: &Tensor<A>, other: &Tensor<B>) -> bool {
    if nested.is_empty() || other.is_empty() {
        return false;
    }
    let (start, other_start) = (nested.base.addr(), other.base.addr());
    if start + nested.span <= other_start || other_start + other.span <= start {
        return false;
    }
    let (nested, other) = (ByteSet::of(nested), ByteSet::of(other));
    !nested.residues_apart(&other) && nested.meets(&other)
}

/// The bytes of a tensor: `run` adjacent ones at every combination of the axes.
struct ByteSet {
    start: usize,
    run: usize,
    /// (stride in bytes, size), in descending order of stride; sizes above 1, strides above `run`.
    axes: [(usize, usize); MAX_DIMS],
    count: usize,
}

impl ByteSet {
    fn of<const D: usize>(tensor: &Tensor<D>) -> Self {
        let element = tensor.dtype.size();
        let mut axes = [(0usize, 0usize); MAX_DIMS];
        let mut count = 0;
        for (&size, &stride) in tensor.shape.iter().zip(&tensor.strides) {
            if size > 1 && stride > 0 {
                axes[count] = (stride * element, size);
                count += 1;
            }
        }
        axes[..count].sort_unstable_by(|a, b| b.cmp(a));
        let mut run = element;
        while count > 0 && axes[count - 1].0 <= run {
            let (stride, size) = axes[count - 1];
            run += (size - 1) * stride;
            count -= 1;
        }
        Self {
            start: tensor.base.addr(),
            run,
            axes,
            count,
        }
    }

    fn axes(&self) -> &[(usize, usize)] {
        &self.axes[..self.count]
    }

    /// Whether the two sets lie on different residues modulo the greatest common divisor of all strides.
    fn residues_apart(&self, other: &Self) -> bool {
        let strides = self.axes().iter().chain(other.axes());
        let divisor = strides.fold(0, |divisor, &(stride, _)| gcd(divisor, stride));
        if divisor == 0 {
            return false;
        }
        let (here, there) = (self.start % divisor, other.start % divisor);
        let ahead = if there >= here {
            there - here
        } else {
            there + divisor - here
        };
        ahead >= self.run && ahead + other.run <= divisor
    }

    /// Whether a run of `other` holds a byte of this set, whose axes must nest.
    fn meets(&self, other: &Self) -> bool {
        self.meets_block(other.start, other.axes(), other.run)
    }

    fn meets_block(&self, start: usize, axes: &[(usize, usize)], run: usize) -> bool {
        let reach: usize = axes.iter().map(|&(stride, size)| stride * (size - 1)).sum();
        let first_here = self.at_or_after(start);
        if first_here.is_none_or(|first| first >= start + reach + run) {
            return false;
        }
        let Some((&(stride, size), inner)) = axes.split_first() else {
            return true;
        };
        (0..size).any(|index| self.meets_block(start + index * stride, inner, run))
    }

    /// The lowest byte of this set at or after `address`. Because the axes nest, the block that an index
    /// opens ends before the next one begins, so one division an axis finds it.
    fn at_or_after(&self, address: usize) -> Option<usize> {
        let mut block = self.start;
        let mut next_block = None;
        for &(stride, size) in self.axes() {
            let index = (address.saturating_sub(block) / stride).min(size - 1);
            block += index * stride;
            if index + 1 < size {
                next_block = Some(block + stride);
            }
        }
        if address < block + self.run {
            Some(address.max(block))
        } else {
            next_block
        }
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests;
