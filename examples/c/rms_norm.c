/* A whole kernel library in plain C: one RMSNorm for f32, behind the interface of kernel-abi.h. Build it with
 *
 *   cc -O2 -fPIC -shared -Icrates/abi/include -o librms_norm.so examples/c/rms_norm.c -lm
 *
 * To try a kernel of your own, call it where the loop over the rows is, at the end of run().
 */
#include <math.h>
#include "kernel-abi.h"

/* A tensor as the loops want it. A vector is a matrix of one row. */
typedef struct {
  float *at;
  int64_t rows, n;     /* sizes */
  int64_t row, column; /* strides, in elements */
} Matrix;

/* DLPack leaves the strides NULL where rows lie one behind the other. Where a size is 1 the stride means nothing. */
static Matrix matrix(const DLTensor *t) {
  const int64_t *strides = t->strides;
  int last = t->ndim - 1;
  Matrix m = {(float *)((char *)t->data + t->byte_offset), 1, t->shape[last], 0, 0};
  if (last == 1) m.rows = t->shape[0];
  if (m.rows > 1) m.row = strides ? strides[0] : m.n;
  if (m.n > 1) m.column = strides ? strides[last] : 1;
  return m;
}

static float *element(Matrix m, int64_t i, int64_t j) { return m.at + i * m.row + j * m.column; }

static int is_f32(const DLTensor *t) { return t->dtype.code == 2 && t->dtype.bits == 32 && t->dtype.lanes == 1; }

static int same(Matrix a, Matrix b) {
  return a.at == b.at && a.rows == b.rows && a.n == b.n && a.row == b.row && a.column == b.column;
}

/* An output must have a place of its own for each element: the strides nest when a step along one dimension leaves
 * behind all that the other dimension spans. */
static int nests(Matrix m) {
  if ((m.rows > 1 && m.row <= 0) || (m.n > 1 && m.column <= 0)) return 0;
  return m.rows <= 1 || m.n <= 1 || m.row > (m.n - 1) * m.column || m.column > (m.rows - 1) * m.row;
}

/* Whether a matrix whose strides nest has an element at an address: the longer stride goes into the distance as often
 * as it can, then the shorter, and nothing may be left. */
static int holds(Matrix m, const float *address) {
  int64_t distance = ((intptr_t)address - (intptr_t)m.at) / (int64_t)sizeof(float);
  int64_t stride[] = {m.row, m.column}, size[] = {m.rows, m.n};
  if (address < m.at) return 0;
  for (int pass = 0, k = m.row < m.column; pass < 2; pass++, k = !k) {
    if (size[k] <= 1) continue;
    int64_t steps = distance / stride[k];
    distance -= (steps < size[k] ? steps : size[k] - 1) * stride[k];
  }
  return distance == 0;
}

/* Whether an output shares an element with an input. Slices of one buffer may lie between each other, so it takes a
 * look at every element, unless one ends before the other begins. */
static int overlap(Matrix output, Matrix input) {
  if (input.rows == 0 || output.rows == 0) return 0;
  if (element(output, output.rows - 1, output.n - 1) < input.at) return 0;
  if (element(input, input.rows - 1, input.n - 1) < output.at) return 0;
  for (int64_t i = 0; i < input.rows; i++)
    for (int64_t j = 0; j < input.n; j++)
      if (holds(output, element(input, i, j))) return 1;
  return 0;
}

static tw_status run(const void *pointer) {
  const tw_rms_norm_args *args = pointer;
  const DLTensor *weight = args->weight;

  /* TW_INVALID: the call breaks the contract. TW_UNSUPPORTED: it does not, but this kernel can't do it. Either way
   * nothing is written. The size comes first: in a shorter struct the other fields do not exist. */
  if (args->call.struct_size < sizeof *args || args->call.threads == 0) return TW_INVALID;
  if (args->x->ndim != 2 || args->y->ndim != 2 || (weight && weight->ndim != 1)) return TW_INVALID;
  if (args->residual || args->residual_out) return TW_UNSUPPORTED;
  if (!is_f32(args->x) || !is_f32(args->y) || (weight && !is_f32(weight))) return TW_UNSUPPORTED;
  if (args->weight_offset != 0 || args->round_before_weight) return TW_UNSUPPORTED;

  Matrix x = matrix(args->x), y = matrix(args->y), w = {0};
  if (weight) w = matrix(weight);
  if (x.n == 0 || y.rows != x.rows || y.n != x.n || (weight && w.n != x.n)) return TW_INVALID;
  if (!(args->eps >= 0)) return TW_INVALID; /* written so that NaN is refused too */
  if (!nests(y) || (!same(x, y) && overlap(y, x)) || (weight && overlap(y, w))) return TW_INVALID;

  /* The kernel. y may be x, so every element is read before it is written. Double keeps the sum from overflowing. */
  for (int64_t i = 0; i < x.rows; i++) {
    double sum = 0;
    for (int64_t j = 0; j < x.n; j++) sum += (double)*element(x, i, j) * *element(x, i, j);
    double r = 1 / sqrt(sum / (double)x.n + args->eps);
    for (int64_t j = 0; j < x.n; j++) {
      double scale = weight ? *element(w, 0, j) : 1;
      *element(y, i, j) = (float)(*element(x, i, j) * r * scale);
    }
  }
  return TW_OK;
}

static int available(void) { return 1; } /* portable code; a kernel of tier "avx2" asks the CPU here */

/* One row for each kernel. .scratch_size stays NULL: it needs none. */
static const tw_kernel kernels[] = {
  {.op = "rms_norm", .name = "example", .tier = "scalar", .available = available, .run = run},
};

static const tw_library library = {
  .abi = TIERWISE_ABI, .kernel_count = sizeof kernels / sizeof *kernels,
  .name = "example", .version = "1", .kernels = kernels,
};

const tw_library *tierwise_library(void) { return &library; }
