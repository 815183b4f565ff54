//! Rows of a checked tensor as a kernel reads and writes them, 16 lanes at a time.

use tierwise_abi::tensor::Tensor;

use crate::simd::{All, Element, LANES, Lanes, Simd};

/// The rows of a tensor `[rows, n]` or `[n]`, standing at one of them. Strides count elements.
#[derive(Clone, Copy, Debug)]
pub struct Rows<E> {
    start: *mut E,
    row_stride: usize,
    stride: usize,
}

// SAFETY: it is an address and two numbers; whoever reads or writes through it answers for the memory.
unsafe impl<E> Sync for Rows<E> {}

impl<E: Element> Rows<E> {
    /// The rows of a matrix.
    pub fn of(tensor: &Tensor<2>) -> Self {
        debug_assert_eq!(tensor.dtype, E::DTYPE);
        let [row_stride, stride] = tensor.strides;
        let stride = if tensor.shape[1] > 1 { stride } else { 1 };
        Self {
            start: tensor.base.cast(),
            row_stride,
            stride,
        }
    }

    /// A vector, which is every row.
    pub fn of_vector(tensor: &Tensor<1>) -> Self {
        debug_assert_eq!(tensor.dtype, E::DTYPE);
        let stride = if tensor.shape[0] > 1 {
            tensor.strides[0]
        } else {
            1
        };
        Self {
            start: tensor.base.cast(),
            row_stride: 0,
            stride,
        }
    }

    /// The rows of a block of a tensor `[.., .., rows, n]`, which are all alike in every block.
    pub fn of_block(tensor: &Tensor<4>, [outer, inner]: [usize; 2]) -> Self {
        debug_assert_eq!(tensor.dtype, E::DTYPE);
        let [outer_stride, inner_stride, row_stride, stride] = tensor.strides;
        let stride = if tensor.shape[3] > 1 { stride } else { 1 };
        let before = outer * outer_stride + inner * inner_stride;
        Self {
            start: tensor.base.cast::<E>().wrapping_add(before),
            row_stride,
            stride,
        }
    }

    /// Whether the elements of a row are adjacent.
    pub fn is_dense(&self) -> bool {
        self.stride == 1
    }

    /// The same rows, standing `row` rows further.
    #[inline(always)]
    pub fn at(self, row: usize) -> Self {
        Self {
            start: self.start.wrapping_add(row * self.row_stride),
            ..self
        }
    }

    /// Rows that lie alike, standing at another's first element.
    #[inline(always)]
    pub fn from(self, start: *mut E) -> Self {
        Self { start, ..self }
    }

    /// Where element `i` of a dense row lies.
    #[inline(always)]
    pub fn element(self, i: usize) -> *mut E {
        self.start.wrapping_add(i)
    }

    /// Where element `i` of any row lies.
    #[inline(always)]
    pub fn address(self, i: usize) -> *mut E {
        self.start.wrapping_add(i * self.stride)
    }

    /// How many of the first elements of a dense row, at most `n`, lie before a multiple of 64 bytes.
    #[inline(always)]
    pub fn before_line(self, n: usize) -> usize {
        (self.start.addr().wrapping_neg() % 64 / size_of::<E>()).min(n)
    }
}

/// How the elements of all rows of a call lie.
pub trait Layout: Send + Sync + 'static {
    /// Whether the output goes past the caches.
    const STREAMS: bool = false;

    /// Takes elements `i..` of a row as they are stored, rest +0.
    ///
    /// # Safety
    /// The row has so many elements from `i` on, readable, and lies as the layout says.
    unsafe fn take<S: Simd, E: Element>(
        s: S,
        row: Rows<E>,
        i: usize,
        lanes: impl Lanes,
    ) -> E::Vector<S>;

    /// Loads elements `i..` of a row, rest +0.
    ///
    /// # Safety
    /// The row has so many elements from `i` on, readable, and lies as the layout says.
    #[inline(always)]
    unsafe fn load<S: Simd, E: Element>(s: S, row: Rows<E>, i: usize, lanes: impl Lanes) -> S::F32 {
        // SAFETY: the caller's word.
        E::widen(s, unsafe { Self::take(s, row, i, lanes) })
    }

    /// Stores elements `i..` of a row, each rounded once.
    ///
    /// # Safety
    /// The row has so many elements from `i` on, writable, and lies as the layout says.
    unsafe fn store<S: Simd, E: Element>(
        s: S,
        row: Rows<E>,
        i: usize,
        v: S::F32,
        lanes: impl Lanes,
    );
}

/// Every row's elements are adjacent.
#[derive(Debug)]
pub struct Dense;

/// Every row's elements are adjacent, and the output is too large for the caches.
#[derive(Debug)]
pub struct Streamed;

/// Some rows have gaps, or repeat one element.
#[derive(Debug)]
pub struct Strided;

impl Layout for Dense {
    #[inline(always)]
    unsafe fn take<S: Simd, E: Element>(
        s: S,
        row: Rows<E>,
        i: usize,
        lanes: impl Lanes,
    ) -> E::Vector<S> {
        // SAFETY: the caller's word; dense elements follow one another.
        unsafe { E::take(s, row.element(i), lanes) }
    }

    #[inline(always)]
    unsafe fn store<S: Simd, E: Element>(
        s: S,
        row: Rows<E>,
        i: usize,
        v: S::F32,
        lanes: impl Lanes,
    ) {
        // SAFETY: the caller's word; dense elements follow one another.
        unsafe { E::store(s, row.element(i), v, lanes) }
    }
}

impl Layout for Streamed {
    const STREAMS: bool = true;

    #[inline(always)]
    unsafe fn take<S: Simd, E: Element>(
        s: S,
        row: Rows<E>,
        i: usize,
        lanes: impl Lanes,
    ) -> E::Vector<S> {
        // SAFETY: the caller's word.
        unsafe { Dense::take(s, row, i, lanes) }
    }

    #[inline(always)]
    unsafe fn store<S: Simd, E: Element>(
        s: S,
        row: Rows<E>,
        i: usize,
        v: S::F32,
        lanes: impl Lanes,
    ) {
        // SAFETY: the caller's word.
        unsafe { Dense::store(s, row, i, v, lanes) }
    }
}

impl Layout for Strided {
    #[inline(always)]
    unsafe fn take<S: Simd, E: Element>(
        s: S,
        row: Rows<E>,
        i: usize,
        lanes: impl Lanes,
    ) -> E::Vector<S> {
        if row.is_dense() {
            // SAFETY: the caller's word, and this row is dense.
            return unsafe { Dense::take(s, row, i, lanes) };
        }
        let mut elements = [E::default(); LANES];
        for (k, element) in elements.iter_mut().enumerate().take(count(lanes)) {
            // SAFETY: the caller's word: element i + k of the row is readable.
            *element = unsafe { row.address(i + k).read() };
        }
        // SAFETY: an array of 16.
        unsafe { E::take(s, elements.as_ptr(), All) }
    }

    #[inline(always)]
    unsafe fn store<S: Simd, E: Element>(
        s: S,
        row: Rows<E>,
        i: usize,
        v: S::F32,
        lanes: impl Lanes,
    ) {
        if row.is_dense() {
            // SAFETY: the caller's word, and this row is dense.
            return unsafe { Dense::store(s, row, i, v, lanes) };
        }
        let mut elements = [E::default(); LANES];
        // SAFETY: an array of 16.
        unsafe { E::store(s, elements.as_mut_ptr(), v, All) };
        for (k, &element) in elements.iter().enumerate().take(count(lanes)) {
            // SAFETY: the caller's word: element i + k of the row is writable.
            unsafe { row.address(i + k).write(element) };
        }
    }
}

#[inline(always)]
fn count(lanes: impl Lanes) -> usize {
    lanes.count().unwrap_or(LANES)
}
