//! Numbers of twice the precision of f64, in plain f64 arithmetic: the same bits on every CPU, fused
//! multiply-add or not. After Dekker, A floating-point technique for extending the available precision (1971).

/// `hi + lo`, where `lo` is at most half a unit in the last place of `hi`. Some 104 bits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Double {
    /// The f64 nearest to the number.
    pub hi: f64,
    /// What is missing.
    pub lo: f64,
}

impl From<f64> for Double {
    #[inline(always)]
    fn from(hi: f64) -> Self {
        Self { hi, lo: 0.0 }
    }
}

impl Double {
    /// `a + b`, exactly, where `a` is not the smaller one.
    #[inline(always)]
    pub fn of_ordered(a: f64, b: f64) -> Self {
        let hi = a + b;
        Self {
            hi,
            lo: b - (hi - a),
        }
    }

    /// `a + b`, exactly.
    #[inline(always)]
    pub fn of_sum(a: f64, b: f64) -> Self {
        let hi = a + b;
        let of_b = hi - a;
        Self {
            hi,
            lo: (a - (hi - of_b)) + (b - of_b),
        }
    }

    /// `a * b`, to 106 bits.
    #[inline(always)]
    fn of_product(a: f64, b: f64) -> Self {
        let hi = a * b;
        let ((a, a_rest), (b, b_rest)) = (split(a), split(b));
        Self {
            hi,
            lo: ((a * b - hi) + a * b_rest + a_rest * b) + a_rest * b_rest,
        }
    }

    /// `self + other`. Its error is relative to the larger one of them.
    #[inline(always)]
    pub fn plus(self, other: Self) -> Self {
        let sum = Self::of_sum(self.hi, other.hi);
        Self::of_ordered(sum.hi, sum.lo + (self.lo + other.lo))
    }

    /// `self - other`.
    #[inline(always)]
    pub fn minus(self, other: Self) -> Self {
        self.plus(Self {
            hi: -other.hi,
            lo: -other.lo,
        })
    }

    /// `self * other`.
    #[inline(always)]
    pub fn times(self, other: Self) -> Self {
        let product = Self::of_product(self.hi, other.hi);
        let rest = self.hi * other.lo + self.lo * other.hi;
        Self::of_ordered(product.hi, product.lo + rest)
    }

    /// `self / other`.
    #[inline(always)]
    pub fn over(self, other: Self) -> Self {
        let quotient = self.hi / other.hi;
        let product = other.times(quotient.into());
        let rest = (self.hi - product.hi) + (self.lo - product.lo);
        Self::of_ordered(quotient, rest / other.hi)
    }
}

/// The upper 26 bits of a number, and the rest. By a mask, so that nothing overflows.
#[inline(always)]
fn split(a: f64) -> (f64, f64) {
    let upper = f64::from_bits(a.to_bits() & !((1 << 27) - 1));
    (upper, a - upper)
}
