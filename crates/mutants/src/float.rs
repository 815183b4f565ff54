//! The storage types, and their conversions to and from f32.

use tierwise_abi::c::DLDataType;

/// A floating-point storage type of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Float {
    /// IEEE binary32.
    F32,
    /// IEEE binary16.
    F16,
    /// The upper half of a binary32.
    Bf16,
}

impl Float {
    /// The type of a DLPack triple, if it is one of these.
    pub fn from_dlpack(dtype: DLDataType) -> Option<Self> {
        match (dtype.code, dtype.bits, dtype.lanes) {
            (2, 32, 1) => Some(Self::F32),
            (2, 16, 1) => Some(Self::F16),
            (4, 16, 1) => Some(Self::Bf16),
            _ => None,
        }
    }

    /// Bytes of one element; also its alignment.
    pub fn size(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
        }
    }

    /// `value` rounded once to this type.
    pub fn round(self, value: f32) -> f32 {
        match self {
            Self::F32 => value,
            Self::F16 => f32_of_f16(f16_of_f32(value)),
            Self::Bf16 => f32_of_bf16(bf16_of_f32(value)),
        }
    }

    /// The element at `from`, exactly.
    ///
    /// # Safety
    /// `from` is aligned to, and readable for, one element.
    pub unsafe fn load(self, from: *const u8) -> f32 {
        // SAFETY: the caller's condition, in each arm.
        unsafe {
            match self {
                Self::F32 => from.cast::<f32>().read(),
                Self::F16 => f32_of_f16(from.cast::<u16>().read()),
                Self::Bf16 => f32_of_bf16(from.cast::<u16>().read()),
            }
        }
    }

    /// Writes `value`, rounded once, to `to`.
    ///
    /// # Safety
    /// `to` is aligned to, and writable for, one element.
    pub unsafe fn store(self, to: *mut u8, value: f32) {
        // SAFETY: the caller's condition, in each arm.
        unsafe {
            match self {
                Self::F32 => to.cast::<f32>().write(value),
                Self::F16 => to.cast::<u16>().write(f16_of_f32(value)),
                Self::Bf16 => to.cast::<u16>().write(bf16_of_f32(value)),
            }
        }
    }
}

/// The distance between subnormal f16: 2^-24.
const SUBNORMAL_STEP: f32 = 1.0 / (1 << 24) as f32;

/// Exact.
pub fn f32_of_f16(bits: u16) -> f32 {
    let fraction = u32::from(bits & 0x3ff);
    let magnitude = match bits >> 10 & 0x1f {
        0 => fraction as f32 * SUBNORMAL_STEP,
        0x1f => f32::from_bits(0xff << 23 | fraction << 13),
        exponent => f32::from_bits((u32::from(exponent) + 127 - 15) << 23 | fraction << 13),
    };
    if bits & 0x8000 == 0 {
        magnitude
    } else {
        -magnitude
    }
}

/// To nearest even; overflow gives infinity, NaN the quiet NaN.
pub fn f16_of_f32(value: f32) -> u16 {
    let sign = (value.to_bits() >> 16 & 0x8000) as u16;
    let magnitude = value.abs();
    let bits = if magnitude.is_nan() {
        0x7e00
    } else if magnitude < 1024.0 * SUBNORMAL_STEP {
        // Subnormal. The last place of 0.5 in f32 is that step: the sum rounds there.
        (magnitude + 0.5).to_bits() - 0.5_f32.to_bits()
    } else if magnitude < 65520.0 {
        round_off(magnitude.to_bits() - ((127 - 15) << 23), 13)
    } else {
        0x7c00
    };
    sign | bits as u16
}

/// Exact.
pub fn f32_of_bf16(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// To nearest even; overflow gives infinity, NaN the quiet NaN.
pub fn bf16_of_f32(value: f32) -> u16 {
    if value.is_nan() {
        0x7fc0
    } else {
        round_off(value.to_bits(), 16) as u16
    }
}

/// `bits` without the last `count`, to nearest even. A carry out of the fraction raises the exponent, as
/// it should.
fn round_off(bits: u32, count: u32) -> u32 {
    let below_half = (1 << (count - 1)) - 1;
    (bits + below_half + (bits >> count & 1)) >> count
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same value; any NaN for any NaN.
    fn same(a: f32, b: f32) -> bool {
        a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
    }

    #[test]
    fn every_16_bit_value_widens_exactly_and_comes_back() {
        for bits in 0..=u16::MAX {
            let f16 = half::f16::from_bits(bits);
            let bf16 = half::bf16::from_bits(bits);
            assert!(same(f32_of_f16(bits), f16.to_f32()), "f16 {bits:#06x}");
            assert!(same(f32_of_bf16(bits), bf16.to_f32()), "bf16 {bits:#06x}");
            assert!(f16.is_nan() || f16_of_f32(f32_of_f16(bits)) == bits);
            assert!(bf16.is_nan() || bf16_of_f32(f32_of_bf16(bits)) == bits);
        }
    }

    /// The values that decide roundings: each 16-bit value, the midpoint to the next, and the f32 on
    /// either side of both.
    #[test]
    fn rounding_is_to_nearest_even() {
        for bits in 0..=u16::MAX {
            for (wide, half_step) in [(f32_of_f16(bits), 0x1000), (f32_of_bf16(bits), 0x8000)] {
                for step in [0, half_step] {
                    for nudge in [-1, 0, 1] {
                        let value =
                            f32::from_bits(wide.to_bits().wrapping_add_signed(step + nudge));
                        let f16 = half::f16::from_f32(value).to_f32();
                        let bf16 = half::bf16::from_f32(value).to_f32();
                        assert!(same(Float::F16.round(value), f16), "f16 {value:e}");
                        assert!(same(Float::Bf16.round(value), bf16), "bf16 {value:e}");
                    }
                }
            }
        }
    }
}
