"""Golden vectors of RMSNorm, from the contract's text alone: exact rationals, and mpmath for the root.

Reads nothing of the TypeScript, so that two references must agree. Makes rms_norm.json:

    python -m venv /tmp/golden && /tmp/golden/bin/pip install -r requirements.txt
    /tmp/golden/bin/python rms_norm.py && git diff --exit-code rms_norm.json

The same bytes come out every time: no clock, no set order, no random module.
"""

import json
from fractions import Fraction
from pathlib import Path

import mpmath

assert mpmath.__version__ == "1.3.0", "pip install -r requirements.txt"
mpmath.mp.prec = 400  # bits: 120 digits, of which 25 are kept

# significand bits with the hidden one, exponent of the least normal, bytes
FORMATS = {"f32": (24, -126, 4), "f16": (11, -14, 2), "bf16": (8, -126, 2)}
NAN, INF = "nan", "inf"


def round_to(value, dtype):
    """A rational rounded once to nearest even; no overflow occurs in these vectors."""
    precision, least, _ = FORMATS[dtype]
    if value == 0:
        return Fraction(0)
    size = abs(value)
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    if Fraction(2) ** exponent > size:
        exponent -= 1
    ulp = Fraction(2) ** (max(exponent, least) - precision + 1)
    steps = value / ulp
    below = steps.numerator // steps.denominator
    rest = steps - below
    if rest > Fraction(1, 2) or (rest == Fraction(1, 2) and below % 2):
        below += 1
    return below * ulp


def bits_of(value, dtype):
    """Storage bits of a value that the type holds exactly."""
    precision, least, size = FORMATS[dtype]
    exponent_bits = 8 * size - precision
    top = 8 * size - 1
    if value == NAN:
        return (((1 << exponent_bits) - 1) << (precision - 1)) | 1 << (precision - 2)
    if value in (INF, "-inf"):
        return (int(value != INF) << top) | ((1 << exponent_bits) - 1) << (precision - 1)
    assert round_to(value, dtype) == value, (value, dtype)
    if value == 0:
        return 0
    magnitude = abs(value)
    exponent = least
    while magnitude >= Fraction(2) ** (exponent + 1):
        exponent += 1
    significand = magnitude / Fraction(2) ** (exponent - precision + 1)
    assert significand.denominator == 1
    significand = int(significand)
    biased = exponent - least + 1 if significand >> (precision - 1) else 0
    return (int(value < 0) << top) | biased << (precision - 1) | significand & ((1 << (precision - 1)) - 1)


def stored(values, dtype):
    width = 2 * FORMATS[dtype][2]
    return {"bits": "".join(f"{bits_of(v, dtype):0{width}x}" for v in values)}


class Numbers:
    """A 64-bit linear congruential generator (Knuth, MMIX), its upper half."""

    def __init__(self, seed):
        self.state = seed

    def word(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return self.state >> 32

    def values(self, count, dtype, scale):
        """Uniform over [-scale, scale), rounded to the type."""
        return [round_to(Fraction(self.word() - 2**31, 2**31) * Fraction(scale), dtype) for _ in range(count)]


def formula(a, b, m, c, e):
    """Element i of a long tensor is ((a i + b) mod m - c) 2^e."""
    return {"a": a, "b": b, "m": m, "c": c, "e": e}


def values_of(f, count):
    return [Fraction((f["a"] * i + f["b"]) % f["m"] - f["c"]) * Fraction(2) ** f["e"] for i in range(count)]


def rational(x):
    """An mpf as the rational that it is."""
    sign, mantissa, exponent, _ = x._mpf_
    return Fraction((-1) ** sign * int(mantissa)) * Fraction(2) ** exponent


def decimal(value):
    if value == NAN:
        return NAN
    return mpmath.nstr(mpmath.mpf(value.numerator) / value.denominator, 25)


def normalise(x, residual, weight, *, dtype, eps, offset, before_weight, columns):
    """One row: y at some columns, and h rounded to the type."""
    special = [v for v in x if isinstance(v, str)]
    if residual is None:
        h = x
    else:
        assert not special
        h = [round_to(a + b, "f32") for a, b in zip(x, residual)]
    out = None if residual is None else [round_to(v, dtype) for v in h]
    w = [1] * len(x) if weight is None else [v if v == NAN else v + offset for v in weight]
    if NAN in special:
        return [NAN for _ in columns], out
    if special:
        r = Fraction(0)
    else:
        variance = sum(v * v for v in h) / len(h) + Fraction(eps)
        assert variance >= Fraction(1, 2**120)
        r = rational(1 / mpmath.sqrt(mpmath.mpf(variance.numerator) / variance.denominator))
    y = []
    for j in columns:
        if isinstance(h[j], str) or w[j] == NAN:
            y.append(NAN)
        elif before_weight:
            y.append(round_to(h[j] * r, dtype) * w[j])
        else:
            y.append(h[j] * r * w[j])
    return y, out


vectors = []


def vector(name, dtype, rows, n, x, weight=None, residual=None, weight_dtype=None, eps=1e-5, offset=0,
           before_weight=False, columns=None):
    """x, weight, residual: values, or the formula of a long tensor."""
    eps = float(round_to(Fraction(eps), "f32"))
    weight_dtype = weight_dtype or dtype
    expand = lambda t, count: values_of(t, count) if isinstance(t, dict) else t
    store = lambda t, type_: t if isinstance(t, dict) else stored(t, type_)
    xs, ws, rs = expand(x, rows * n), weight and expand(weight, n), residual and expand(residual, rows * n)
    columns = columns or list(range(n))
    y, sums = [], []
    for row in range(rows):
        part = slice(row * n, (row + 1) * n)
        values, out = normalise(xs[part], rs and rs[part], ws, dtype=dtype, eps=eps, offset=offset,
                                before_weight=before_weight, columns=columns)
        y += values
        sums += [out[j] for j in columns] if out else []
    vectors.append({
        "name": name, "dtype": dtype, "rows": rows, "n": n,
        "eps": eps, "weightOffset": offset, "roundBeforeWeight": before_weight,
        "x": store(x, dtype),
        **({"weight": {"dtype": weight_dtype, **store(weight, weight_dtype)}} if weight else {}),
        **({"residual": store(residual, dtype)} if residual else {}),
        "columns": columns,
        "y": [decimal(v) for v in y],
        **({"residualOut": stored(sums, dtype)["bits"]} if residual else {}),
    })


seed = 1
for dtype in FORMATS:
    for before_weight in (False, True):
        order = "before-weight" if before_weight else "once"
        for n in (1, 2, 5, 17):
            numbers = Numbers(seed := seed + 1)
            vector(f"{dtype} {order} n={n}", dtype, 2, n, numbers.values(2 * n, dtype, 1),
                   numbers.values(n, dtype, 2), before_weight=before_weight)
        numbers = Numbers(seed := seed + 1)
        vector(f"{dtype} {order} residual", dtype, 2, 9, numbers.values(18, dtype, 3),
               numbers.values(9, dtype, 2), numbers.values(18, dtype, 1), before_weight=before_weight)
        vector(f"{dtype} {order} f32 weight, offset 1, residual", dtype, 2, 7, numbers.values(14, dtype, 3),
               numbers.values(7, "f32", 1), numbers.values(14, dtype, Fraction(1, 64)), "f32",
               offset=1, before_weight=before_weight)
        vector(f"{dtype} {order} no weight", dtype, 1, 6, numbers.values(6, dtype, 50), before_weight=before_weight)
        vector(f"{dtype} {order} large eps", dtype, 1, 5, numbers.values(5, dtype, 1), numbers.values(5, dtype, 2),
               eps=3, before_weight=before_weight)
        vector(f"{dtype} {order} no eps, tiny", dtype, 1, 5, numbers.values(5, dtype, Fraction(1, 2**12)),
               numbers.values(5, dtype, 2), eps=0, before_weight=before_weight)
    large = 2**12 if dtype == "f16" else 2**50
    vector(f"{dtype} large", dtype, 1, 5, numbers.values(5, dtype, large), numbers.values(5, dtype, 2))
    one = Fraction(1)
    vector(f"{dtype} special rows", dtype, 3, 3, [one, NAN, one, 2 * one, INF, -one, one, "-inf", INF],
           [one, 2 * one, -one])
    vector(f"{dtype} NaN weight", dtype, 2, 3, [one, -one, 3 * one, one, 2 * one, one], [one, NAN, 2 * one])
    for n in (576, 16384):
        spread = {"f32": 65521, "f16": 2039, "bf16": 251}[dtype]
        vector(f"{dtype} long n={n}", dtype, 1, n, formula(7919, 13, spread, spread // 2, -9),
               formula(31, 5, 127, 40, -6), before_weight=n > 576, columns=[0, 1, n // 3, n - 1])
vector("f32 constant n=65537", "f32", 1, 65537, formula(0, 3, 7, 0, -1), formula(31, 5, 127, 40, -6),
       columns=[0, 65536])
vector("f32 ramp n=65537", "f32", 1, 65537, formula(1, 1, 2**20, 0, 0), columns=[0, 4096, 65536])

lines = ",\n    ".join(json.dumps(v) for v in vectors)
head = f'"version": 1,\n  "made": "rms_norm.py, mpmath {mpmath.__version__}, {mpmath.mp.prec} bits"'
Path(__file__).with_suffix(".json").write_text(f'{{\n  {head},\n  "vectors": [\n    {lines}\n  ]\n}}\n')
print(len(vectors), "vectors")
