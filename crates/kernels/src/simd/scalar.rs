//! Tier `scalar`: portable arrays, vectorised as the compiler likes.

use std::ffi::CStr;

use super::{LANES, Simd, Squares, TileWork, Work};

/// The tier that every CPU has.
#[derive(Clone, Copy, Debug)]
pub struct Scalar;

impl Simd for Scalar {
    const TIER: &'static CStr = c"scalar";
    const STREAMS: bool = false;
    const SQUARES: Squares = Squares::Widened;
    const FUSED: bool = false;
    type F32 = [f32; LANES];
    type U16 = [u16; LANES];
    type Mask = [bool; LANES];

    fn detect() -> Option<Self> {
        Some(Self)
    }

    fn vectorize<W: Work>(self, work: W) -> W::Output {
        work.run(self)
    }

    #[inline(always)]
    fn tiled<W: TileWork>(self, work: W) -> W::Output {
        work.run::<Self, 2, 1>(self)
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Self::F32 {
        [value; LANES]
    }

    #[inline(always)]
    fn add(self, mut a: Self::F32, b: Self::F32) -> Self::F32 {
        for i in 0..LANES {
            a[i] += b[i];
        }
        a
    }

    #[inline(always)]
    fn sub(self, mut a: Self::F32, b: Self::F32) -> Self::F32 {
        for i in 0..LANES {
            a[i] -= b[i];
        }
        a
    }

    #[inline(always)]
    fn mul(self, mut a: Self::F32, b: Self::F32) -> Self::F32 {
        for i in 0..LANES {
            a[i] *= b[i];
        }
        a
    }

    #[inline(always)]
    fn tree_sum(self, mut v: Self::F32) -> f32 {
        for step in [8, 4, 2, 1] {
            for i in 0..step {
                v[i] += v[i + step];
            }
        }
        v[0]
    }

    #[inline(always)]
    fn swap_pairs(self, mut v: Self::F32) -> Self::F32 {
        for i in (0..LANES).step_by(2) {
            v.swap(i, i + 1);
        }
        v
    }

    #[inline(always)]
    fn div(self, mut a: Self::F32, b: Self::F32) -> Self::F32 {
        for i in 0..LANES {
            a[i] /= b[i];
        }
        a
    }

    #[inline(always)]
    fn mac(self, a: Self::F32, b: Self::F32, mut c: Self::F32) -> Self::F32 {
        for i in 0..LANES {
            c[i] += a[i] * b[i];
        }
        c
    }

    #[inline(always)]
    fn max(self, mut a: Self::F32, b: Self::F32) -> Self::F32 {
        for i in 0..LANES {
            a[i] = if a[i] > b[i] { a[i] } else { b[i] };
        }
        a
    }

    #[inline(always)]
    fn tree_max(self, v: Self::F32) -> f32 {
        v.into_iter().fold(f32::NEG_INFINITY, f32::max)
    }

    #[inline(always)]
    fn less(self, a: Self::F32, b: Self::F32) -> Self::Mask {
        let mut mask = [false; LANES];
        for i in 0..LANES {
            mask[i] = a[i] < b[i];
        }
        mask
    }

    #[inline(always)]
    fn first(self, count: usize) -> Self::Mask {
        let mut mask = [false; LANES];
        for (i, lane) in mask.iter_mut().enumerate() {
            *lane = i < count;
        }
        mask
    }

    #[inline(always)]
    fn select(self, mask: Self::Mask, mut a: Self::F32, b: Self::F32) -> Self::F32 {
        for i in 0..LANES {
            a[i] = if mask[i] { a[i] } else { b[i] };
        }
        a
    }

    #[inline(always)]
    fn into_exponent(self, mut v: Self::F32) -> Self::F32 {
        for lane in &mut v {
            *lane = f32::from_bits(lane.to_bits() << 23);
        }
        v
    }

    #[inline(always)]
    fn transpose(self, rows: [Self::F32; LANES]) -> [Self::F32; LANES] {
        let mut columns = [[0.0; LANES]; LANES];
        for i in 0..LANES {
            for j in 0..LANES {
                columns[j][i] = rows[i][j];
            }
        }
        columns
    }

    #[inline(always)]
    fn widen_f16(self, v: Self::U16) -> Self::F32 {
        let mut wide = [0.0; LANES];
        for i in 0..LANES {
            wide[i] = widen_f16(v[i]);
        }
        wide
    }

    #[inline(always)]
    fn widen_bf16(self, v: Self::U16) -> Self::F32 {
        let mut wide = [0.0; LANES];
        for i in 0..LANES {
            wide[i] = f32::from_bits(u32::from(v[i]) << 16);
        }
        wide
    }

    #[inline(always)]
    fn narrow_f16(self, v: Self::F32) -> Self::U16 {
        let mut narrow = [0; LANES];
        for i in 0..LANES {
            narrow[i] = narrow_f16(v[i]);
        }
        narrow
    }

    #[inline(always)]
    fn narrow_bf16(self, v: Self::F32) -> Self::U16 {
        let mut narrow = [0; LANES];
        for i in 0..LANES {
            narrow[i] = narrow_bf16(v[i]);
        }
        narrow
    }

    #[inline(always)]
    unsafe fn load_f32(self, p: *const f32) -> Self::F32 {
        // SAFETY: 16 elements are readable, by the caller's word.
        unsafe { p.cast::<Self::F32>().read() }
    }

    #[inline(always)]
    unsafe fn load_f32_first(self, p: *const f32, count: usize) -> Self::F32 {
        let mut v = [0.0; LANES];
        for (i, lane) in v.iter_mut().enumerate().take(count) {
            // SAFETY: `count` elements are readable, by the caller's word.
            *lane = unsafe { p.add(i).read() };
        }
        v
    }

    #[inline(always)]
    unsafe fn load_u16(self, p: *const u16) -> Self::U16 {
        // SAFETY: 16 elements are readable, by the caller's word.
        unsafe { p.cast::<Self::U16>().read() }
    }

    #[inline(always)]
    unsafe fn load_u16_first(self, p: *const u16, count: usize) -> Self::U16 {
        let mut v = [0; LANES];
        for (i, lane) in v.iter_mut().enumerate().take(count) {
            // SAFETY: `count` elements are readable, by the caller's word.
            *lane = unsafe { p.add(i).read() };
        }
        v
    }

    #[inline(always)]
    unsafe fn store_f32(self, p: *mut f32, v: Self::F32) {
        // SAFETY: 16 elements are writable, by the caller's word.
        unsafe { p.cast::<Self::F32>().write(v) }
    }

    #[inline(always)]
    unsafe fn store_f32_first(self, p: *mut f32, v: Self::F32, count: usize) {
        for (i, &value) in v.iter().enumerate().take(count) {
            // SAFETY: `count` elements are writable, by the caller's word.
            unsafe { p.add(i).write(value) }
        }
    }

    #[inline(always)]
    unsafe fn store_u16(self, p: *mut u16, v: Self::U16) {
        // SAFETY: 16 elements are writable, by the caller's word.
        unsafe { p.cast::<Self::U16>().write(v) }
    }

    #[inline(always)]
    unsafe fn store_u16_first(self, p: *mut u16, v: Self::U16, count: usize) {
        for (i, &value) in v.iter().enumerate().take(count) {
            // SAFETY: `count` elements are writable, by the caller's word.
            unsafe { p.add(i).write(value) }
        }
    }

    #[inline(always)]
    unsafe fn stream_f32(self, p: *mut f32, v: Self::F32) {
        // SAFETY: the caller's word is stronger than what a plain store needs.
        unsafe { self.store_f32(p, v) }
    }

    #[inline(always)]
    unsafe fn stream_u16(self, p: *mut u16, v: Self::U16) {
        // SAFETY: the caller's word is stronger than what a plain store needs.
        unsafe { self.store_u16(p, v) }
    }

    #[inline(always)]
    fn fence(self) {}

    #[inline(always)]
    fn prefetch<T>(self, _: *const T) {}

    #[inline(always)]
    fn prefetch_early<T>(self, _: *const T) {}
}

/// Without branches, so that a loop over it vectorises. The product with 2^112 moves the exponent from one
/// bias to the other, and normalises what was subnormal: exact. After Giesen's `half_to_float_fast4`.
#[inline(always)]
fn widen_f16(half: u16) -> f32 {
    const REBIAS: f32 = f32::from_bits((127 + 112) << 23);
    let magnitude = u32::from(half & 0x7fff) << 13;
    let sign = u32::from(half & 0x8000) << 16;
    let finite = (f32::from_bits(magnitude) * REBIAS).to_bits();
    let special = if magnitude >= 31 << 23 { 255 << 23 } else { 0 };
    f32::from_bits(sign | finite | special)
}

/// Without branches. A subnormal result is rounded by adding 0.5, whose unit in the last place is 2^-24,
/// the f16 subnormals' own. After Giesen's `float_to_half_fast3_rtne`.
#[inline(always)]
fn narrow_f16(value: f32) -> u16 {
    let bits = value.to_bits();
    let magnitude = bits & 0x7fff_ffff;
    let odd = (magnitude >> 13) & 1;
    let normal = magnitude
        .wrapping_sub((127 - 15) << 23)
        .wrapping_add(0xfff + odd)
        >> 13;
    let subnormal = (f32::from_bits(magnitude) + 0.5)
        .to_bits()
        .wrapping_sub(126 << 23);
    let finite = if magnitude < 113 << 23 {
        subnormal
    } else {
        normal
    };
    let special = if magnitude > 255 << 23 {
        0x7e00
    } else {
        0x7c00
    };
    let narrow = if magnitude >= 143 << 23 {
        special
    } else {
        finite
    };
    ((bits >> 16) & 0x8000 | narrow) as u16
}

/// Adds just under half a unit in the last place, and the bit that ties to even; what carries out of the
/// mantissa is the next exponent, infinity included.
#[inline(always)]
fn narrow_bf16(value: f32) -> u16 {
    let bits = value.to_bits();
    let rounded = bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16;
    let quiet = bits >> 16 | 0x40;
    (if value.is_nan() { quiet } else { rounded }) as u16
}
