// A whole kernel library in C++17: one RMSNorm for f32, contiguous rows, behind the interface of kernel-abi.h.
// Build it with
//
//   g++ -std=c++17 -O2 -fPIC -shared -Icrates/abi/include -o librms_norm.so examples/cpp/rms_norm.cpp
//
// It does less than examples/c/rms_norm.c and so needs less: rows that lie one behind the other can't interleave,
// and a range of bytes says all about where a tensor lies. To try a kernel of your own, call it in kernel().
#include <cmath>
#include <cstdint>
#include <initializer_list>

extern "C" {
#include "kernel-abi.h"
}

namespace {

// The kernel. y may be x, so every element is read before it is written.
void kernel(const float *x, const float *weight, float *y, int64_t rows, int64_t n, double eps) {
  for (int64_t i = 0; i < rows; i++, x += n, y += n) {
    double sum = 0;
    for (int64_t j = 0; j < n; j++) sum += double(x[j]) * x[j];
    const double r = 1 / std::sqrt(sum / double(n) + eps);
    for (int64_t j = 0; j < n; j++) y[j] = float(x[j] * r * (weight ? weight[j] : 1));
  }
}

float *data(const DLTensor &t) { return reinterpret_cast<float *>(static_cast<char *>(t.data) + t.byte_offset); }

int64_t count(const DLTensor &t) {
  int64_t product = 1;
  for (int d = 0; d < t.ndim; d++) product *= t.shape[d];
  return product;
}

bool is_f32(const DLTensor &t) { return t.dtype.code == 2 && t.dtype.bits == 32 && t.dtype.lanes == 1; }

// Strides of dimensions of size 1 mean nothing; without strides DLPack means contiguous.
bool is_contiguous(const DLTensor &t) {
  int64_t expected = 1;
  for (int d = t.ndim - 1; d >= 0; expected *= t.shape[d--])
    if (t.strides && t.shape[d] > 1 && t.strides[d] != expected) return false;
  return true;
}

bool is_same_shape(const DLTensor &a, const DLTensor &b) {
  return a.ndim == 2 && b.ndim == 2 && a.shape[0] == b.shape[0] && a.shape[1] == b.shape[1];
}

bool overlap(const DLTensor &a, const DLTensor &b) {
  return data(a) < data(b) + count(b) && data(b) < data(a) + count(a);
}

// TW_INVALID: the call breaks the contract. TW_UNSUPPORTED: it does not, but this kernel can't do it. Either way
// nothing is written. Where a call is both, either word is right: so what is not contiguous is declined before
// anybody asks what it overlaps.
tw_status check(const tw_rms_norm_args &args) {
  // The size comes first: in a shorter struct the other fields do not exist.
  if (args.call.struct_size < sizeof args || args.call.threads == 0) return TW_INVALID;
  const DLTensor &x = *args.x, &y = *args.y;
  const DLTensor *weight = args.weight;
  if (!is_same_shape(x, y) || x.shape[1] == 0 || !(args.eps >= 0)) return TW_INVALID;
  if (weight && (weight->ndim != 1 || weight->shape[0] != x.shape[1])) return TW_INVALID;
  if (args.residual || args.residual_out || args.weight_offset != 0 || args.round_before_weight) return TW_UNSUPPORTED;
  for (const DLTensor *t : {&x, &y, weight})
    if (t && !(is_f32(*t) && is_contiguous(*t))) return TW_UNSUPPORTED;
  if (count(y) == 0) return TW_OK;
  if (data(x) != data(y) && overlap(x, y)) return TW_INVALID;
  if (weight && overlap(*weight, y)) return TW_INVALID;
  return TW_OK;
}

// No exception may leave it: a caller in C has nothing to catch it with.
tw_status run(const void *pointer) noexcept {
  const auto &args = *static_cast<const tw_rms_norm_args *>(pointer);
  const tw_status status = check(args);
  if (status != TW_OK) return status;
  const float *weight = args.weight ? data(*args.weight) : nullptr;
  kernel(data(*args.x), weight, data(*args.y), args.x->shape[0], args.x->shape[1], args.eps);
  return TW_OK;
}

int available() noexcept { return 1; }  // portable code; a kernel of tier "avx2" asks the CPU here

const tw_kernel kernels[] = {
    // op, name, tier, available, scratch_size (none), run, numerics, promises
    {"rms_norm", "example", "scalar", available, nullptr, run, TW_NUMERICS_F32, 0},
};

const tw_library library = {TIERWISE_ABI, sizeof kernels / sizeof *kernels, "example", "1", kernels};

}  // namespace

extern "C" const tw_library *tierwise_library(void) { return &library; }
