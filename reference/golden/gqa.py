"""Golden vectors of GQA, from the contract's text alone: exact rationals up to the scores, mpmath from there on.

Reads nothing of the TypeScript, so that two references must agree. Makes gqa.json:

    python -m venv /tmp/golden && /tmp/golden/bin/pip install -r requirements.txt
    /tmp/golden/bin/python gqa.py && git diff --exit-code gqa.json

The same bytes come out every time: no clock, no set order, no random module.
"""

from fractions import Fraction

import mpmath

from formats import FORMATS, INF, NAN, Numbers, formula, round_to, stored, values_of, write

DEAD = "-inf"


def mpf(x):
    return mpmath.mpf(x.numerator) / x.denominator


def f32(x):
    return round_to(Fraction(x), "f32")


class Attention:
    """One call; tensors are flat lists of rationals, NAN, INF, DEAD."""

    def __init__(self, sizes, q, k, v, mask):
        self.sizes, self.q, self.k, self.v, self.mask = sizes, q, k, v, mask

    def capacity(self):
        s = self.sizes
        return len(s["blockTable"][0]) * s["blockSize"] if s["blockTable"] else s["kvCap"]

    def row_of_key(self, b, j):
        s = self.sizes
        if s["blockTable"]:
            return s["blockTable"][b][j // s["blockSize"]] * s["blockSize"] + j % s["blockSize"]
        return b * s["kvCap"] + j

    def element(self, tensor, b, j, g, d):
        s = self.sizes
        return tensor[(self.row_of_key(b, j) * s["kvHeads"] + g) * s["headDim"] + d]

    def out(self, row, columns):
        """The float value of one output row at some columns: an mpf, NAN, or "+0" where nothing is live."""
        s = self.sizes
        h, i, b = row % s["qHeads"], row // s["qHeads"] % s["qLen"], row // s["qHeads"] // s["qLen"]
        g = h // (s["qHeads"] // s["kvHeads"])
        length = s["kvLen"][b] if s["kvLen"] else self.capacity()
        position = length - s["qLen"] + i
        live, scores = [], []
        for j in range(self.capacity()):
            seen = j < length and (not s["causal"] or j <= position)
            if not seen or (s["window"] and not j > position - s["window"]):
                continue
            bias = 0
            if self.mask:
                batches, heads = s["maskShape"]
                plane = (b % batches) * heads + h % heads
                bias = self.mask[(plane * s["qLen"] + i) * self.capacity() + j]
            if bias == DEAD:
                continue
            live.append(j)
            q = self.q[row * s["headDim"]:(row + 1) * s["headDim"]]
            k = [self.element(self.k, b, j, g, d) for d in range(s["headDim"])]
            if NAN in q or NAN in k:
                scores.append(NAN)
                continue
            score = mpf(f32(s["scale"]) * sum(x * y for x, y in zip(q, k)))
            if s["softcap"]:
                cap = mpf(f32(s["softcap"]))
                score = cap * mpmath.tanh(score / cap)
            scores.append(score + (mpf(bias) if bias else 0))
        if not live:
            return ["+0" for _ in columns]
        if NAN in scores:
            return [NAN for _ in columns]
        top = max(scores)
        weights = [mpmath.exp(score - top) for score in scores]
        total = sum(weights)
        result = []
        for d in columns:
            values = [self.element(self.v, b, j, g, d) for j in live]
            if NAN in values:
                result.append(NAN)
            else:
                result.append(sum(w * mpf(x) for w, x in zip(weights, values)) / total)
        return result


vectors = []


def vector(name, dtype="f32", kv=None, batch=1, q_len=2, heads=(2, 1), dim=4, cap=5, scale=0.5, softcap=0, window=0,
           causal=True, kv_len=None, paged=None, mask=None, mask_shape=(1, 1), spread=1, poison=(), rows=None,
           columns=None, long=False):
    """poison: (tensor, flat index, value). paged: (blocks, block size, table)."""
    kv = kv or dtype
    q_heads, kv_heads = heads
    blocks, block_size, table = paged or (batch, cap, None)
    sizes = {
        "batch": batch, "qLen": q_len, "qHeads": q_heads, "kvHeads": kv_heads, "headDim": dim, "kvCap": cap,
        "scale": float(f32(scale)), "softcap": float(f32(softcap)), "window": window, "causal": causal,
        "kvLen": kv_len, "blockTable": table, "blockSize": block_size, "maskShape": mask_shape,
    }
    counts = {"q": batch * q_len * q_heads * dim, "k": blocks * block_size * kv_heads * dim}
    counts["v"] = counts["k"]
    types = {"q": dtype, "k": kv, "v": kv}
    scales = {"q": spread, "k": 1, "v": 2}
    tensors, kept = {}, {}
    numbers = Numbers(len(vectors) + 1)
    for role, count in counts.items():
        if long:
            # Periods that divide no size, with fewer bits than the type.
            period = {"f32": 65521, "f16": 2039, "bf16": 251}[types[role]]
            kept[role] = formula(7919 + 2 * len(role) + ord(role), ord(role), period, period // 2,
                                 1 - period.bit_length())
            tensors[role] = values_of(kept[role], count)
        else:
            tensors[role] = numbers.values(count, types[role], Fraction(scales[role]))
            for target, index, value in poison:
                if target == role:
                    tensors[role][index] = value
            kept[role] = stored(tensors[role], types[role])
    attention = Attention(sizes, tensors["q"], tensors["k"], tensors["v"], mask)
    rows = rows or list(range(batch * q_len * q_heads))
    columns = columns or list(range(dim))
    out = [value for row in rows for value in attention.out(row, columns)]
    vectors.append({
        "name": name, "dtype": dtype, "kvDtype": kv,
        **{key: value for key, value in sizes.items() if key not in ("kvLen", "blockTable", "blockSize", "maskShape")},
        **({"kvLen": kv_len} if kv_len else {}),
        **({"paged": {"blocks": blocks, "blockSize": block_size, "table": table}} if paged else {}),
        **({"mask": {"shape": [*mask_shape, q_len, attention.capacity()], **stored(mask, "f32")}} if mask else {}),
        **kept, "rows": rows, "columns": columns,
        "out": [v if isinstance(v, str) else mpmath.nstr(v, 25) for v in out],
    })


for dtype, kv in (("f32", "f32"), ("f16", "f16"), ("bf16", "bf16"), ("f32", "f16"), ("f32", "bf16")):
    name = dtype if dtype == kv else f"{dtype} over {kv}"
    common = {"dtype": dtype, "kv": kv}
    vector(f"{name} decode", q_len=1, cap=7, heads=(3, 1), **common)
    vector(f"{name} causal prefill", q_len=3, cap=3, heads=(4, 2), dim=3, **common)
    vector(f"{name} not causal, queries longer than keys", q_len=3, cap=2, causal=False, **common)
    vector(f"{name} causal, rows that see nothing", q_len=4, cap=2, **common)
    vector(f"{name} window", q_len=3, cap=6, window=3, **common)
    vector(f"{name} window of 1", q_len=2, cap=4, window=1, **common)
    vector(f"{name} softcap", q_len=2, cap=5, softcap=1.5, scale=3, **common)
    vector(f"{name} softcap, saturated", q_len=1, cap=5, softcap=20, scale=100, dim=5, **common)
    vector(f"{name} scores spread beyond exp", q_len=2, cap=6, scale=200, dim=5, **common)
    vector(f"{name} MHA, ragged", batch=3, q_len=2, heads=(2, 2), cap=5, kv_len=[5, 0, 3], **common)
    vector(f"{name} paged, a block twice, one of nonsense", batch=2, q_len=1, cap=6, kv_len=[5, 2],
           paged=(4, 2, [[3, 1, 3], [2, 77, -5]]), **common)
    mask = Numbers(99).values(2 * 2 * 5, "f32", 4)
    mask[1] = mask[5] = mask[12] = DEAD
    vector(f"{name} mask by head, softcap", mask=mask, mask_shape=(1, 2), softcap=2, causal=False, **common)
    vector(f"{name} NaN in q, k, v; and where nothing is live", q_len=2, heads=(2, 2), dim=2, cap=4, kv_len=[3],
           poison=(("q", 4, NAN), ("k", 11, NAN), ("v", 1, NAN), ("k", 12, NAN), ("v", 13, INF)), **common)

lines = [DEAD if j == 2 else Fraction(j, 4) for _ in range(2) for j in range(5)] + [DEAD] * 5 + [Fraction(0)] * 5
vector("f32 mask by batch, one row dead", batch=2, mask=lines, mask_shape=(2, 1))
vector("f32 negative scale", scale=-0.75)
vector("f32 scale of no few bits", scale=Fraction(1, 3), dim=7)
vector("f32 scale 0", scale=0)
for dtype in FORMATS:
    vector(f"{dtype} long", dtype, q_len=3, heads=(2, 1), dim=16, cap=400, scale=0.25, long=True,
           rows=[0, 3, 5], columns=[0, 7, 15])
vector("f32 long, window and softcap", q_len=5, heads=(4, 2), dim=8, cap=700, window=600, softcap=30, scale=1, long=True,
       rows=[0, 11, 19], columns=[0, 3])

write(__file__, vectors)
