"""Golden vectors of RMSNorm, from the contract's text alone: exact rationals, and mpmath for the root.

Reads nothing of the TypeScript, so that two references must agree. Makes rms_norm.json:

    python -m venv /tmp/golden && /tmp/golden/bin/pip install -r requirements.txt
    /tmp/golden/bin/python rms_norm.py && git diff --exit-code rms_norm.json

The same bytes come out every time: no clock, no set order, no random module.
"""

from fractions import Fraction

import mpmath

from formats import FORMATS, INF, NAN, Numbers, decimal, formula, rational, round_to, stored, values_of, write


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

write(__file__, vectors)
