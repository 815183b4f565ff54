"""What the golden vectors of every op are made with: the storage types, numbers, and the way that they are written."""

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


def write(script, vectors):
    """The vectors of a script, one a line, in the .json beside it."""
    lines = ",\n    ".join(json.dumps(v) for v in vectors)
    made = f"{Path(script).name}, mpmath {mpmath.__version__}, {mpmath.mp.prec} bits"
    head = f'"version": 1,\n  "made": "{made}"'
    Path(script).with_suffix(".json").write_text(f'{{\n  {head},\n  "vectors": [\n    {lines}\n  ]\n}}\n')
    print(len(vectors), "vectors")
