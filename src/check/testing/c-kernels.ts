/** Whole kernels in C, right but for what is planted in them: f32, any strides, arithmetic in double. */

/** C text put in place of a piece of a kernel: a condition on the call, and what it does to a value. */
export interface Plant {
  /** An expression that is 1 where the bug strikes. */
  readonly when?: string;
  /** What it does then: a statement on `v`, the value that is about to be stored. */
  readonly does?: string;
}

const common = `
  #include <math.h>
  static int yes(void) { return 1; }
  static int is_f32(const DLTensor *t) { return !t || (t->dtype.code == 2 && t->dtype.bits == 32); }
  static int64_t stride_of(const DLTensor *t, int d) {
    if (t->strides) return t->shape[d] == 1 ? 0 : t->strides[d];
    int64_t s = 1;
    for (int i = t->ndim - 1; i > d; i--) s *= t->shape[i];
    return s;
  }
  static float *first_of(const DLTensor *t) { return (float *)((char *)t->data + t->byte_offset); }
  #define NAMED(fn, op, tier) { op, "planted", tier, yes, NULL, fn, 0, 0 }
  #define LIBRARY(...) \\
    static const tw_kernel rows[] = { __VA_ARGS__ }; \\
    static const tw_library table = { TIERWISE_ABI, sizeof rows / sizeof *rows, "mine", "1.0", rows }; \\
    const tw_library *tierwise_library(void) { return &table; }`;

/** RMSNorm with all that it has. In \`when\`: rows, n, r, i, and the args as a. */
export function rmsNormKernel(name: string, { when = '0', does = 'v *= 1.01' }: Plant = {}): string {
  return `
  static tw_status ${name}(const void *args) {
    const tw_rms_norm_args *a = args;
    if (!is_f32(a->x) || !is_f32(a->weight)) return TW_UNSUPPORTED;
    if (a->call.threads == 0 || a->call.struct_size < sizeof *a) return TW_INVALID;
    int64_t rows = a->x->shape[0], n = a->x->shape[1];
    for (int64_t r = 0; r < rows; r++) {
      double sum = 0;
      for (int pass = 0; pass < 2; pass++) {
        for (int64_t i = 0; i < n; i++) {
          float h = first_of(a->x)[r * stride_of(a->x, 0) + i * stride_of(a->x, 1)];
          if (a->residual) h += first_of(a->residual)[r * stride_of(a->residual, 0) + i * stride_of(a->residual, 1)];
          if (pass == 0) { sum += (double)h * h; continue; }
          double w = (a->weight ? first_of(a->weight)[i * stride_of(a->weight, 0)] : 1) +
            (a->weight ? a->weight_offset : 0);
          double v = h / sqrt(sum / n + a->eps);
          v = (a->round_before_weight ? (float)v : v) * w;
          if (${when}) { ${does}; }
          if (a->residual_out)
            first_of(a->residual_out)[r * stride_of(a->residual_out, 0) + i * stride_of(a->residual_out, 1)] = h;
          first_of(a->y)[r * stride_of(a->y, 0) + i * stride_of(a->y, 1)] = (float)v;
        }
      }
    }
    return TW_OK;
  }`;
}

/** RoPE without scaling. In \`when\`: position, pair, half (pairs), tables (0 or 1), and the args as a. */
export function ropeKernel(name: string, { when = '0', does = 'v *= 1.01' }: Plant = {}): string {
  return `
  static tw_status ${name}(const void *args) {
    const tw_rope_args *a = args;
    if (!is_f32(a->x) || a->scaling != 0) return TW_UNSUPPORTED;
    if (a->call.threads == 0 || a->call.struct_size < sizeof *a) return TW_INVALID;
    int64_t half = a->rotary_dim / 2, width = a->x->shape[3];
    int tables = a->cos != NULL;
    for (int64_t b = 0; b < a->x->shape[0]; b++)
    for (int64_t t = 0; t < a->x->shape[1]; t++)
    for (int64_t h = 0; h < a->x->shape[2]; h++) {
      const DLTensor *p = a->positions;
      int64_t at = p->ndim == 1 ? t * stride_of(p, 0) : b * stride_of(p, 0) + t * stride_of(p, 1);
      int64_t position = ((int32_t *)first_of(p))[at];
      float *x = first_of(a->x) + b * stride_of(a->x, 0) + t * stride_of(a->x, 1) + h * stride_of(a->x, 2);
      float *y = first_of(a->y) + b * stride_of(a->y, 0) + t * stride_of(a->y, 1) + h * stride_of(a->y, 2);
      int64_t xs = stride_of(a->x, 3), ys = stride_of(a->y, 3);
      for (int64_t i = 2 * half; i < width; i++)
        ((uint32_t *)y)[i * ys] = ((uint32_t *)x)[i * xs];
      for (int64_t pair = 0; pair < half; pair++) {
        int64_t i = a->interleaved ? 2 * pair : pair, j = a->interleaved ? i + 1 : pair + half;
        double angle = (double)position * pow(a->theta, -2.0 * pair / a->rotary_dim);
        float c = tables ? first_of(a->cos)[position * stride_of(a->cos, 0) + pair * stride_of(a->cos, 1)] : cos(angle);
        float s = tables ? first_of(a->sin)[position * stride_of(a->sin, 0) + pair * stride_of(a->sin, 1)] : sin(angle);
        double u = x[i * xs], w = x[j * xs], v = u * c - w * s, z = w * c + u * s;
        if (${when}) { ${does}; }
        y[i * ys] = (float)v;
        y[j * ys] = (float)z;
      }
    }
    return TW_OK;
  }`;
}

/** A library of kernels named `planted`, one a row: function, op, tier. */
export function libraryOf(
  kernels: readonly string[],
  rows: readonly (readonly [fn: string, op: string, tier: string])[],
): string {
  const table = rows.map(([fn, op, tier]) => `NAMED(${fn}, "${op}", "${tier}")`).join(', ');
  return `${common}\n${kernels.join('\n')}\nLIBRARY(${table})`;
}
