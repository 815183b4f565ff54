//! GQA's decode without promises: what the price of them is measured against.

use tierwise_kernels::simd::{All, Element, LANES, Simd, Work};

/// Decode as one may write it where no bits are promised: a dot product in lanes of elements, summed across; a
/// greatest score that runs along, 32 keys at a time; one sum of weighted values. `G` heads share a kv head of 128.
pub struct Free<const G: usize, K> {
    q: *const f32,
    k: *const K,
    v: *const K,
    out: *mut f32,
    kv: usize,
    kv_heads: usize,
}

/// Elements of a head.
pub const DIMS: usize = 128;
/// Of every dot product.
pub const SCALE: f32 = 0.088_388_35;
/// Keys at a time.
const PANEL: usize = 32;

impl<const G: usize, K: Element> Free<G, K> {
    /// Of one query, keys and values `[kv, heads, DIMS]`, where out has G times as many heads.
    pub fn new(q: *const f32, k: *const K, v: *const K, out: &mut [f32], kv: usize) -> Self {
        Self {
            q,
            k,
            v,
            kv_heads: out.len() / G / DIMS,
            out: out.as_mut_ptr(),
            kv,
        }
    }
}

impl<const G: usize, K: Element> Work for Free<G, K> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let row = self.kv_heads * DIMS;
        for head in 0..self.kv_heads {
            let (mut greatest, mut totals) = ([f32::NEG_INFINITY; G], [0.0; G]);
            let mut sums = [[0.0f32; DIMS]; G];
            for start in (0..self.kv).step_by(PANEL) {
                let at =
                    |tensor: *const K, key: usize| tensor.wrapping_add(key * row + head * DIMS);
                let mut weights = [[0.0f32; PANEL]; G];
                // SAFETY: there are so many heads and keys, and keys are a multiple of a panel.
                unsafe {
                    for k in 0..PANEL {
                        let key = at(self.k, start + k);
                        let ahead = match start + PANEL < self.kv {
                            true => at(self.k, start + PANEL + k),
                            false => at(self.v, k),
                        };
                        for d in (0..DIMS).step_by(64 / size_of::<K>()) {
                            s.prefetch_early(ahead.wrapping_add(d));
                            s.prefetch_early(at(self.v, start + k).wrapping_add(d));
                        }
                        // As the kernel does, pages are looked up before that.
                        s.prefetch(at(self.k, start + 2 * PANEL + k));
                        s.prefetch(at(self.v, start + PANEL + k));
                        let mut dots = [s.splat(0.0); G];
                        for d in (0..DIMS).step_by(LANES) {
                            let element = K::load(s, key.wrapping_add(d), All);
                            for (g, dot) in dots.iter_mut().enumerate() {
                                let q = self.q.wrapping_add((head * G + g) * DIMS + d);
                                *dot = s.mac(s.load_f32(q), element, *dot);
                            }
                        }
                        for (weights, &dot) in weights.iter_mut().zip(&dots) {
                            weights[k] = s.tree_sum(dot) * SCALE;
                        }
                    }
                    for g in 0..G {
                        let at = weights[g].as_mut_ptr();
                        let (a, b) = (s.load_f32(at), s.load_f32(at.add(LANES)));
                        let before = greatest[g];
                        greatest[g] = before.max(s.tree_max(s.max(a, b)));
                        let [a, b] = [a, b].map(|v| exp(s, s.sub(v, s.splat(greatest[g]))));
                        s.store_f32(at, a);
                        s.store_f32(at.add(LANES), b);
                        let mut factor = [0.0; LANES];
                        s.store_f32(factor.as_mut_ptr(), exp(s, s.splat(before - greatest[g])));
                        totals[g] = totals[g] * factor[0] + s.tree_sum(s.add(a, b));
                        for d in (0..DIMS).step_by(LANES) {
                            let sum = sums[g].as_mut_ptr().add(d);
                            s.store_f32(sum, s.mul(s.load_f32(sum), s.splat(factor[0])));
                        }
                    }
                    for d in (0..DIMS).step_by(4 * LANES) {
                        let mut tile = [[s.splat(0.0); 4]; G];
                        for (g, tile) in tile.iter_mut().enumerate() {
                            for (c, sum) in tile.iter_mut().enumerate() {
                                *sum = s.load_f32(sums[g].as_ptr().add(d + c * LANES));
                            }
                        }
                        for k in 0..PANEL {
                            let value = at(self.v, start + k).wrapping_add(d);
                            let mut values = [s.splat(0.0); 4];
                            for (c, element) in values.iter_mut().enumerate() {
                                *element = K::load(s, value.wrapping_add(c * LANES), All);
                            }
                            for (weights, tile) in weights.iter().zip(&mut tile) {
                                let weight = s.splat(*weights.as_ptr().add(k));
                                for (sum, &value) in tile.iter_mut().zip(&values) {
                                    *sum = s.mac(weight, value, *sum);
                                }
                            }
                        }
                        for (g, tile) in tile.iter().enumerate() {
                            for (c, &sum) in tile.iter().enumerate() {
                                s.store_f32(sums[g].as_mut_ptr().add(d + c * LANES), sum);
                            }
                        }
                    }
                }
            }
            for g in 0..G {
                for (d, sum) in sums[g].iter().enumerate() {
                    let to = self.out.wrapping_add((head * G + g) * DIMS + d);
                    // SAFETY: out has so many heads.
                    unsafe { to.write(sum / totals[g]) };
                }
            }
        }
    }
}

/// As the kernel's own, in every respect that costs time.
#[inline(always)]
fn exp<S: Simd>(s: S, x: S::F32) -> S::F32 {
    let shift = s.splat(12_583_039.0);
    let shifted = s.mac(x, s.splat(std::f32::consts::LOG2_E), shift);
    let exponent = s.sub(shifted, shift);
    let r = s.mac(exponent, s.splat(-0.691_406_25), x);
    let r = s.mac(exponent, s.splat(-0.001_740_930_6), r);
    let mut series = s.splat(0.001_381_457_8);
    for term in [0.008_368_727, 0.041_668_39, 0.166_665_21, 0.499_999_94] {
        series = s.mac(series, r, s.splat(term));
    }
    let rest = s.mac(s.mul(r, r), series, r);
    let value = s.mul(s.add(s.splat(1.0), rest), s.into_exponent(shifted));
    s.select(s.less(x, s.splat(-87.336_55)), s.splat(0.0), value)
}
