"""Golden vectors of RoPE, from the contract's text alone: exact rationals, and mpmath for what is not rational.

Reads nothing of the TypeScript, so that two references must agree. Makes rope.json:

    python -m venv /tmp/golden && /tmp/golden/bin/pip install -r requirements.txt
    /tmp/golden/bin/python rope.py && git diff --exit-code rope.json

The same bytes come out every time: no clock, no set order, no random module.
"""

from fractions import Fraction

import mpmath
from mpmath import mpf, pi

from formats import FORMATS, INF, NAN, Numbers, decimal, rational, round_to, stored, write

LAST = 2**31 - 1
NONE = {"type": "none"}
LLAMA_8B = {"type": "llama3", "factor": 8.0, "lowFreqFactor": 1.0, "highFreqFactor": 4.0, "originalMaxPositions": 8192}
LLAMA_1B = {**LLAMA_8B, "factor": 32.0}
QWEN = {"type": "yarn", "factor": 4.0, "betaFast": 32.0, "betaSlow": 1.0,
        "attentionFactor": 1.1386294361119891, "originalMaxPositions": 32768}


def linear(factor):
    return {"type": "linear", "factor": factor}


def frequency(i, rotary_dim, theta, scaling):
    """f of pair i after scaling, and the band that it lies in."""
    f = mpf(theta) ** (mpf(-2 * i) / rotary_dim)
    kind = scaling["type"]
    if kind == "none":
        return f, kind
    stretched = f / mpf(scaling["factor"])
    if kind == "linear":
        return stretched, kind
    o = mpf(scaling["originalMaxPositions"])
    if kind == "llama3":
        low, high = mpf(scaling["lowFreqFactor"]), mpf(scaling["highFreqFactor"])
        wavelength = 2 * pi / f
        if wavelength < o / high:
            return f, "short"
        if wavelength > o / low:
            return stretched, "long"
        s = (o / wavelength - low) / (high - low)
        return (1 - s) * stretched + s * f, "between"

    def c(beta):
        return rotary_dim * mpmath.log(o / (2 * pi * mpf(beta))) / (2 * mpmath.log(mpf(theta)))

    lo = max(int(mpmath.floor(c(scaling["betaFast"]))), 0)
    hi = min(int(mpmath.ceil(c(scaling["betaSlow"]))), rotary_dim - 1)
    width = mpf(hi - lo) if hi != lo else mpf("0.001")
    g = min(max((i - lo) / width, mpf(0)), mpf(1))
    return f * (1 - g) + stretched * g, "short" if g == 0 else "long" if g == 1 else "between"


def inv_freq(i, rotary_dim, theta, scaling):
    return float(rational(frequency(i, rotary_dim, theta, scaling)[0]))


vectors = []


def frequencies(name, rotary_dim, theta, scaling, pairs=None, bands=()):
    pairs = pairs or list(range(rotary_dim // 2))
    seen = {frequency(i, rotary_dim, theta, scaling)[1] for i in pairs}
    assert seen >= set(bands), (name, seen)
    vectors.append({
        "kind": "frequencies", "name": name, "rotaryDim": rotary_dim, "theta": float(theta), "scaling": scaling,
        "pairs": pairs, "invFreq": [inv_freq(i, rotary_dim, theta, scaling) for i in pairs],
    })


THREE = ("short", "between", "long")
every_fifth = list(range(0, 64, 5)) + [62, 63]
for theta in (1e4, 5e5, 1e6, 1e7, 1.5, 1 + 2.0**-52, 1e30):
    frequencies(f"theta {theta}", 80, theta, NONE, list(range(0, 40, 3)) + [39])
frequencies("powers of two", 16, 16.0, NONE)
frequencies("wide", 4096, 1e6, NONE, [1, 2, 1023, 2046, 2047])
for dim in (2, 6, 64, 96, 112):
    frequencies(f"width {dim}", dim, 1e4, NONE, sorted({0, 1, dim // 3, dim // 2 - 1} & set(range(dim // 2))))
for factor in (4.0, 2.5, 0.125, 1e-300, 3e200):
    frequencies(f"linear {factor}", 16, 1e4, linear(factor))
frequencies("Llama-3.1-8B", 128, 5e5, LLAMA_8B, list(range(27, 45)) + every_fifth, THREE)
frequencies("Llama-3.2-1B", 64, 5e5, LLAMA_1B, None, THREE)
frequencies("llama3, close bands", 96, 1e4, {**LLAMA_8B, "lowFreqFactor": 3.9}, None, ("short", "long"))
frequencies("llama3, bands that meet", 96, 1e4, {**LLAMA_8B, "lowFreqFactor": 4.0}, None, ("short", "long"))
frequencies("llama3, short context", 16, 100.0, {**LLAMA_8B, "factor": 1.7, "originalMaxPositions": 90}, None, THREE)
frequencies("Qwen2.5 with yarn", 128, 1e6, QWEN, list(range(20, 60, 2)) + every_fifth, THREE)
frequencies("DeepSeek-V2 yarn", 64, 1e4, {**QWEN, "factor": 40.0, "originalMaxPositions": 4096}, None, THREE)
frequencies("yarn, one pair between", 32, 1e4, {**QWEN, "betaFast": 2.0, "betaSlow": 1.0}, None, THREE)
frequencies("yarn, no pair between", 8, 1e4, {**QWEN, "originalMaxPositions": 6}, None, ("short", "long"))
frequencies("yarn, betas the other way round", 32, 1e4, {**QWEN, "betaFast": 1.0, "betaSlow": 32.0})
frequencies("yarn, ends beyond the pairs", 8, 2.0, {**QWEN, "betaFast": 5000.0}, None, ("short", "between"))
frequencies("yarn, begins beyond them", 8, 2.0, QWEN, None, ("long",))
frequencies("yarn, factor below 1", 32, 1e4, {**QWEN, "factor": 0.3}, None, THREE)


def exact_cosine_and_sine(angle):
    with mpmath.workprec(1400):
        return mpmath.cos(mpf(angle)), mpmath.sin(mpf(angle))


def angles(name, values):
    vectors.append({
        "kind": "angles", "name": name,
        "angles": [[a, *(mpmath.nstr(v, 25) for v in exact_cosine_and_sine(a))] for a in values],
    })


positions = [0, 1, 2, 255, 256, 257, 2049, 4095, 8192, 100000, 131071, 2**24 + 1, 2**30 + 1, LAST - 1, LAST]
for name, dim, theta, scaling in (("none", 128, 1e4, NONE), ("linear", 64, 1e4, linear(4.0)),
                                  ("llama3", 128, 5e5, LLAMA_8B), ("yarn", 128, 1e6, QWEN)):
    angles(f"at positions, {name}", [
        p * inv_freq((5 * k) % (dim // 2), dim, theta, scaling) for k, p in enumerate(positions) if p
    ] + [float(LAST), LAST * inv_freq(1, dim, theta, scaling), LAST * inv_freq(dim // 2 - 1, dim, theta, scaling)])
with mpmath.workprec(1400):
    quarters = [float(rational(k * pi / 2)) for k in (1, 2, 3, 4, 5, 1023, 2**20 + 3, 1367130551, 2**32 - 1, 2**32 + 2)]
angles("near multiples of pi / 2", quarters)
angles("at the edges of octants", [float(rational(k * pi / 4)) for k in (1, 3, 5, 7, 2**31 + 1)])
angles("small", [0.0, 1e-300, 2.0**-30, 1e-5])
# The ninth is the float64 that is nearest to a multiple of pi/2, relative to its size (Muller, Elementary Functions).
angles("far", [2.0**33 + 0.25, 1.2e10, 2.5e10, 6e10 + 2.0**-16, 1.5e11, 1e12, 2.0**53 + 2, 1e22, 6381956970095103 * 2.0**797, 1.7e308])


def cosine_and_sine(position, i, rotary_dim, theta, scaling):
    """Of the f64 angle, times the attention factor, each rounded once to f32."""
    angle = position * inv_freq(i, rotary_dim, theta, scaling)
    factor = mpf(scaling.get("attentionFactor", 1))
    return [round_to(rational(factor * v), "f32") for v in exact_cosine_and_sine(angle)]


def plus_product(total, a, factor):
    """total + a factor, over the reals with infinities and NaN."""
    if NAN in (total, a):
        return NAN
    if a in (INF, "-inf"):
        if factor == 0:
            return NAN
        product = INF if (a == INF) == (factor > 0) else "-inf"
        return product if total not in (INF, "-inf") or total == product else NAN
    return total if isinstance(total, str) else total + a * factor


def rotated(row, cosines_and_sines, rotary_dim, interleaved):
    """One row: the rotated part as decimals, and of the tail that it is as stored."""
    y = ["stored"] * len(row)
    pairs = rotary_dim // 2
    for i in range(pairs):
        at, other = (2 * i, 2 * i + 1) if interleaved else (i, i + pairs)
        a, b = row[at], row[other]
        c, s = cosines_and_sines[i]
        y[at] = plus_product(plus_product(Fraction(0), a, c), b, -s)
        y[other] = plus_product(plus_product(Fraction(0), b, c), a, s)
    return [v if isinstance(v, str) else decimal(v) for v in y]


def rotation(name, dtype, shape, rotary_dim, x, positions, *, interleaved=False, theta=1e4, scaling=NONE, tables=None):
    """positions: one a token, or one a batch and token."""
    batch, tokens, heads, head_dim = shape
    assert len(x) == batch * tokens * heads * head_dim and len(positions) in (tokens, batch * tokens)
    y = []
    for r in range(batch * tokens * heads):
        token = r // heads
        position = positions[token % len(positions)]
        pairs = range(rotary_dim // 2)
        if tables:
            row = [tuple(t[position * len(pairs) + i] for t in tables) for i in pairs]
        else:
            row = [cosine_and_sine(position, i, rotary_dim, theta, scaling) for i in pairs]
        y += rotated(x[r * head_dim:(r + 1) * head_dim], row, rotary_dim, interleaved)
    vectors.append({
        "kind": "rotation", "name": name, "dtype": dtype, "shape": list(shape), "rotaryDim": rotary_dim,
        "interleaved": interleaved, "theta": theta, "scaling": scaling, "x": stored(x, dtype),
        "positions": positions,
        **({"cos": stored(tables[0], "f32"), "sin": stored(tables[1], "f32")} if tables else {}),
        "y": y,
    })


seed = 1
for dtype in FORMATS:
    for interleaved in (False, True):
        order = "interleaved" if interleaved else "half"
        numbers = Numbers(seed := seed + 1)
        rotation(f"{dtype} {order}, a position a token", dtype, (2, 2, 2, 6), 6, numbers.values(48, dtype, 3), [5, 100000],
                 interleaved=interleaved)
        rotation(f"{dtype} {order}, a position a batch and token, partial", dtype, (2, 2, 1, 8), 4,
                 numbers.values(32, dtype, 1), [7, 0, 131071, LAST], interleaved=interleaved, theta=5e5)
        rotation(f"{dtype} {order}, tables", dtype, (1, 3, 2, 4), 4, numbers.values(24, dtype, 2), [2, 0, 2],
                 interleaved=interleaved, theta=0.0, tables=[numbers.values(6, "f32", 1), numbers.values(6, "f32", 1)])
    rotation(f"{dtype} linear", dtype, (1, 1, 1, 8), 8, numbers.values(8, dtype, 1), [LAST], scaling=linear(2.5))
    rotation(f"{dtype} llama3", dtype, (1, 1, 1, 16), 16, numbers.values(16, dtype, 1), [12345], scaling=LLAMA_8B)
    rotation(f"{dtype} yarn", dtype, (1, 1, 1, 16), 16, numbers.values(16, dtype, 1), [40000], scaling=QWEN)
    rotation(f"{dtype} yarn, factor -2", dtype, (1, 1, 1, 4), 4, numbers.values(4, dtype, 1), [3],
             scaling={**QWEN, "attentionFactor": -2.0})
    rotation(f"{dtype} copy", dtype, (1, 1, 2, 3), 0, [NAN, INF, Fraction(0), *numbers.values(3, dtype, 1)], [9])
    one = Fraction(1)
    rotation(f"{dtype} special", dtype, (1, 1, 4, 4), 4,
             [NAN, one, one, one, INF, one, one, one, one, "-inf", one, INF, INF, NAN, INF, one], [1])
    rotation(f"{dtype} special at 0", dtype, (1, 1, 2, 2), 2, [INF, one, one, "-inf"], [0])
    rotation(f"{dtype} special, tables", dtype, (1, 2, 1, 2), 2, [INF, one, INF, INF], [0, 1], theta=0.0,
             tables=[[Fraction(0), one / 2], [-one, one / 4]])

write(__file__, vectors)
