//! The order of operations of the module, once more, one number at a time: what the kernels must say to the last bit.

use tierwise_abi::tensor::Dtype;

use crate::testing::{Attended, Attending, Buffer, Edge, Layout};

/// One of the two groups of tiers.
#[derive(Clone, Copy, Debug)]
pub struct Arithmetic {
    pub fused: bool,
}

impl Arithmetic {
    pub fn mac(self, a: f32, b: f32, c: f32) -> f32 {
        if self.fused {
            fused(a, b, c)
        } else {
            a * b + c
        }
    }

    pub fn exp(self, x: f32) -> f32 {
        if x < -87.336_55 {
            return 0.0;
        }
        let shifted = self.mac(x, std::f32::consts::LOG2_E, 12_583_039.0);
        let exponent = shifted - 12_583_039.0;
        let r = self.mac(exponent, -0.691_406_25, x);
        let r = self.mac(exponent, -0.001_740_930_6, r);
        let series = [
            0.001_381_457_8,
            0.008_368_727,
            0.041_668_39,
            0.166_665_21,
            0.499_999_94,
        ];
        let series = series
            .into_iter()
            .reduce(|sum, next| self.mac(sum, r, next))
            .unwrap();
        let power = f32::from_bits(shifted.to_bits() << 23);
        (1.0 + self.mac(r * r, series, r)) * power
    }

    pub fn tanh(self, t: f32) -> f32 {
        let size = if t > 0.0 - t { t } else { 0.0 - t };
        if size < 0.625 {
            let square = t * t;
            let series = [
                -0.005_704_987,
                0.020_639_088,
                -0.053_739_715,
                0.133_314_42,
                -0.333_332_8,
            ];
            let series = series
                .into_iter()
                .reduce(|sum, next| self.mac(sum, square, next))
                .unwrap();
            return self.mac(square * t, series, t);
        }
        let part = self.exp(size * -2.0);
        let large = (1.0 - part) / (1.0 + part);
        if t < 0.0 { 0.0 - large } else { large }
    }
}

/// `a * b + c`, rounded once. The product is exact in f64; the sum is rounded to odd there, so that rounding it to f32
/// is as good as rounding what it stands for.
pub fn fused(a: f32, b: f32, c: f32) -> f32 {
    let (product, c) = (f64::from(a) * f64::from(b), f64::from(c));
    let sum = product + c;
    if !sum.is_finite() {
        return sum as f32;
    }
    // Knuth's two-sum: what the rounding lost, exactly.
    let of_c = sum - product;
    let lost = (product - (sum - of_c)) + (c - of_c);
    let bits = sum.to_bits();
    if lost == 0.0 || bits & 1 == 1 {
        return sum as f32;
    }
    let outward = (lost > 0.0) == (sum > 0.0);
    f64::from_bits(if outward { bits + 1 } else { bits - 1 }) as f32
}

/// What out must hold, as stored, every NaN as one.
pub fn bits(asked: &Attending, data: &Attended, arithmetic: Arithmetic) -> Vec<u32> {
    let mut out = Vec::new();
    for batch in 0..asked.batch {
        for query in 0..asked.q_len {
            for head in 0..asked.heads[0] {
                out.extend(row(asked, data, arithmetic, [batch, query, head]));
            }
        }
    }
    let values: Vec<_> = out.into_iter().map(f64::from).collect();
    let layout = Layout::dense(&[values.len() as i64]);
    Buffer::new(asked.types[0], layout, Edge::End, 0)
        .fill(&values)
        .bits()
}

/// A live key: its number, its score, and where its value begins.
struct Live {
    key: usize,
    score: f32,
    value: usize,
}

fn row(
    asked: &Attending,
    data: &Attended,
    a: Arithmetic,
    [batch, query, head]: [usize; 3],
) -> Vec<f32> {
    let dims = asked.dims;
    let q = ((batch * asked.q_len + query) * asked.heads[0] + head) * dims;
    let kv_head = head / (asked.heads[0] / asked.heads[1]);
    let mut live: Vec<Live> = Vec::new();
    for key in asked.visible(batch, query) {
        let mask = match asked.mask {
            None => 0.0,
            Some(_) => data.mask[asked.mask_at([batch, head, query, key])] as f32,
        };
        if mask == f32::NEG_INFINITY {
            continue;
        }
        let at = asked.key_at([batch, key, kv_head]);
        let dot = (0..dims).fold(0.0, |dot, d| {
            a.mac(data.q[q + d] as f32, data.k[at + d] as f32, dot)
        });
        let mut score = dot * asked.scale;
        if asked.softcap > 0.0 {
            score = asked.softcap * a.tanh(score / asked.softcap);
        }
        if asked.mask.is_some() {
            score += mask;
        }
        live.push(Live {
            key,
            score,
            value: at,
        });
    }
    let mut state: Option<(f32, f32, Vec<f32>)> = None;
    for block in live.chunk_by(|one, other| one.key / 256 == other.key / 256) {
        let (m, l, sums) = of_block(data, a, dims, block);
        state = Some(match state {
            None => (m, l, sums),
            Some((greatest, total, before)) => {
                let top = if m > greatest { m } else { greatest };
                let (old, new) = (a.exp(greatest - top), a.exp(m - top));
                let join = |before: f32, block: f32| a.mac(before, old, block * new);
                let both = before
                    .iter()
                    .zip(&sums)
                    .map(|(&before, &block)| join(before, block));
                (top, join(total, l), both.collect())
            }
        });
    }
    match state {
        None => vec![0.0; dims],
        Some((_, total, sums)) => {
            let share = 1.0 / total;
            sums.into_iter().map(|sum| sum * share + 0.0).collect()
        }
    }
}

fn of_block(data: &Attended, a: Arithmetic, dims: usize, block: &[Live]) -> (f32, f32, Vec<f32>) {
    let numbers = block
        .iter()
        .map(|live| live.score)
        .filter(|score| !score.is_nan());
    let m = numbers.reduce(f32::max).unwrap_or(0.0);
    let mut lanes = [0.0f32; 16];
    let mut sums = vec![0.0f32; dims];
    for live in block {
        let weight = a.exp(live.score - m);
        lanes[live.key % 16] += weight;
        for (d, sum) in sums.iter_mut().enumerate() {
            *sum = a.mac(weight, data.v[live.value + d] as f32, *sum);
        }
    }
    for step in [8, 4, 2, 1] {
        for i in 0..step {
            lanes[i] += lanes[i + step];
        }
    }
    (m, lanes[0], sums)
}

/// The same in float64, in no particular order: the oracle may err as the kernels do, this may not.
#[test]
fn the_oracle_is_right() {
    let mut numbers = crate::testing::Numbers(3);
    for seed in 0..60 {
        let mut asked = Attending::any(&mut numbers, 6, 700, 40);
        asked.types = [Dtype::F32; 2];
        let data = Attended::new(&asked, seed);
        for fused in [false, true] {
            let out = bits(&asked, &data, Arithmetic { fused });
            let out = out.into_iter().map(|bits| f64::from(f32::from_bits(bits)));
            for (at, (seen, truth)) in out.zip(truth(&asked, &data)).enumerate() {
                let error = (seen - truth).abs();
                assert!(error < 2e-5, "{at}: {seen} for {truth}, {asked:?}");
            }
        }
    }
}

fn truth(asked: &Attending, data: &Attended) -> Vec<f64> {
    let mut out = Vec::new();
    let dims = asked.dims;
    for batch in 0..asked.batch {
        for query in 0..asked.q_len {
            for head in 0..asked.heads[0] {
                let q = &data.q[((batch * asked.q_len + query) * asked.heads[0] + head) * dims..];
                let kv_head = head * asked.heads[1] / asked.heads[0];
                let (mut total, mut sums) = (0.0, vec![0.0; dims]);
                for key in asked.visible(batch, query) {
                    let at = asked.key_at([batch, key, kv_head]);
                    let dot: f64 = (0..dims).map(|d| q[d] * data.k[at + d]).sum();
                    let mut score = dot * f64::from(asked.scale);
                    if asked.softcap > 0.0 {
                        let cap = f64::from(asked.softcap);
                        score = cap * (score / cap).tanh();
                    }
                    if asked.mask.is_some() {
                        score += data.mask[asked.mask_at([batch, head, query, key])];
                    }
                    // No score here is large: nothing need be subtracted.
                    let weight = score.exp();
                    total += weight;
                    for (sum, v) in sums.iter_mut().zip(&data.v[at..]) {
                        *sum += weight * v;
                    }
                }
                let share = |sum: f64| if total == 0.0 { 0.0 } else { sum / total };
                out.extend(sums.into_iter().map(share));
            }
        }
    }
    out
}
