//! Storage types: how each is loaded into lanes of f32, and rounded back.

use tierwise_abi::tensor::Dtype;

use super::Simd;

/// An IEEE binary16, as stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct F16(pub u16);

/// A bfloat16, as stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct Bf16(pub u16);

/// How many lanes of a vector a load or a store touches.
pub trait Lanes: Copy {
    /// `None`: all 16, known when compiled.
    fn count(self) -> Option<usize>;
}

/// All 16 lanes.
#[derive(Clone, Copy, Debug)]
pub struct All;

/// The first so many lanes, at most 16.
#[derive(Clone, Copy, Debug)]
pub struct First(pub usize);

impl Lanes for All {
    #[inline(always)]
    fn count(self) -> Option<usize> {
        None
    }
}

impl Lanes for First {
    #[inline(always)]
    fn count(self) -> Option<usize> {
        Some(self.0)
    }
}

/// A storage type of floating-point tensors. Its default is zero.
pub trait Element: Copy + Default + Send + Sync + 'static {
    /// The type's name in the interface.
    const DTYPE: Dtype;

    /// 16 elements as they are stored.
    type Vector<S: Simd>: Copy;

    /// Takes lanes as they are stored; those beyond `lanes` are +0.
    ///
    /// # Safety
    /// So many elements are readable at `p`.
    unsafe fn take<S: Simd>(s: S, p: *const Self, lanes: impl Lanes) -> Self::Vector<S>;

    /// Their values, exactly.
    fn widen<S: Simd>(s: S, v: Self::Vector<S>) -> S::F32;

    /// As [`Simd::transpose_to`], of elements as they are stored.
    ///
    /// # Safety
    /// As there.
    unsafe fn transpose_to<S: Simd>(
        s: S,
        rows: impl Fn(usize) -> Self::Vector<S>,
        count: usize,
        to: *mut Self,
        stride: usize,
    );

    /// Loads lanes exactly; lanes beyond `lanes` are +0.
    ///
    /// # Safety
    /// So many elements are readable at `p`.
    #[inline(always)]
    unsafe fn load<S: Simd>(s: S, p: *const Self, lanes: impl Lanes) -> S::F32 {
        // SAFETY: the caller's word.
        Self::widen(s, unsafe { Self::take(s, p, lanes) })
    }

    /// Stores lanes, each rounded once.
    ///
    /// # Safety
    /// So many elements are writable at `p`.
    unsafe fn store<S: Simd>(s: S, p: *mut Self, v: S::F32, lanes: impl Lanes);

    /// Stores 16 lanes past the caches, each rounded once.
    ///
    /// # Safety
    /// 16 elements are writable at `p`, a multiple of their size together.
    unsafe fn stream<S: Simd>(s: S, p: *mut Self, v: S::F32);

    /// Rounds to this type, and back to f32.
    fn round<S: Simd>(s: S, v: S::F32) -> S::F32;
}

impl Element for f32 {
    const DTYPE: Dtype = Dtype::F32;
    type Vector<S: Simd> = S::F32;

    #[inline(always)]
    unsafe fn take<S: Simd>(s: S, p: *const Self, lanes: impl Lanes) -> S::F32 {
        // SAFETY: the caller's word.
        unsafe {
            match lanes.count() {
                None => s.load_f32(p),
                Some(count) => s.load_f32_first(p, count),
            }
        }
    }

    #[inline(always)]
    fn widen<S: Simd>(_: S, v: S::F32) -> S::F32 {
        v
    }

    #[inline(always)]
    unsafe fn transpose_to<S: Simd>(
        s: S,
        rows: impl Fn(usize) -> S::F32,
        count: usize,
        to: *mut Self,
        stride: usize,
    ) {
        // SAFETY: the caller's word.
        unsafe { s.transpose_to(rows, count, to, stride) };
    }

    #[inline(always)]
    unsafe fn store<S: Simd>(s: S, p: *mut Self, v: S::F32, lanes: impl Lanes) {
        // SAFETY: the caller's word.
        unsafe {
            match lanes.count() {
                None => s.store_f32(p, v),
                Some(count) => s.store_f32_first(p, v, count),
            }
        }
    }

    #[inline(always)]
    unsafe fn stream<S: Simd>(s: S, p: *mut Self, v: S::F32) {
        // SAFETY: the caller's word.
        unsafe { s.stream_f32(p, v) }
    }

    #[inline(always)]
    fn round<S: Simd>(_: S, v: S::F32) -> S::F32 {
        v
    }
}

/// The two 16-bit types differ in their conversions alone.
macro_rules! sixteen_bits {
    ($type:ty, $dtype:expr, $widen:ident, $narrow:ident) => {
        impl Element for $type {
            const DTYPE: Dtype = $dtype;
            type Vector<S: Simd> = S::U16;

            #[inline(always)]
            unsafe fn take<S: Simd>(s: S, p: *const Self, lanes: impl Lanes) -> S::U16 {
                // SAFETY: the caller's word; the type is its 16 bits.
                unsafe {
                    match lanes.count() {
                        None => s.load_u16(p.cast()),
                        Some(count) => s.load_u16_first(p.cast(), count),
                    }
                }
            }

            #[inline(always)]
            fn widen<S: Simd>(s: S, v: S::U16) -> S::F32 {
                s.$widen(v)
            }

            #[inline(always)]
            unsafe fn transpose_to<S: Simd>(
                s: S,
                rows: impl Fn(usize) -> S::U16,
                count: usize,
                to: *mut Self,
                stride: usize,
            ) {
                // SAFETY: the caller's word; the type is its 16 bits.
                unsafe { s.transpose_u16_to(rows, count, to.cast(), stride) };
            }

            #[inline(always)]
            unsafe fn store<S: Simd>(s: S, p: *mut Self, v: S::F32, lanes: impl Lanes) {
                let bits = s.$narrow(v);
                // SAFETY: the caller's word; the type is its 16 bits.
                unsafe {
                    match lanes.count() {
                        None => s.store_u16(p.cast(), bits),
                        Some(count) => s.store_u16_first(p.cast(), bits, count),
                    }
                }
            }

            #[inline(always)]
            unsafe fn stream<S: Simd>(s: S, p: *mut Self, v: S::F32) {
                // SAFETY: the caller's word; the type is its 16 bits.
                unsafe { s.stream_u16(p.cast(), s.$narrow(v)) }
            }

            #[inline(always)]
            fn round<S: Simd>(s: S, v: S::F32) -> S::F32 {
                s.$widen(s.$narrow(v))
            }
        }
    };
}

sixteen_bits!(F16, Dtype::F16, widen_f16, narrow_f16);
sixteen_bits!(Bf16, Dtype::Bf16, widen_bf16, narrow_bf16);
