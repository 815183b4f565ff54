// A whole module of kernels: one RMSNorm for f32. Check it with
//
//   tierwise check --library examples/js/rms_norm.mjs
//
// To try a kernel of your own, put it where the loop over the rows is.
import { apart, inPlace, nests } from 'tierwise/js';

/** @param {import('tierwise/js').Args<'rms_norm'>} args */
function run({ threads, x, weight, residual, residualOut, y, eps, weightOffset, roundBeforeWeight }) {
  // 'invalid': the call breaks the contract. 'unsupported': it does not, but this kernel can't do it. Either way
  // nothing is written.
  const [rows, n] = x.shape;
  if (threads === 0 || x.shape.length !== 2 || n === 0) return 'invalid';
  if (y.shape.length !== 2 || y.shape[0] !== rows || y.shape[1] !== n) return 'invalid';
  if (weight && (weight.shape.length !== 1 || weight.shape[0] !== n)) return 'invalid';
  if (!(eps >= 0)) return 'invalid'; // written so that NaN is refused too
  if (!nests(y) || !(inPlace(y, x) || apart(y, x)) || (weight && !apart(y, weight))) return 'invalid';
  if (residual || residualOut || weightOffset !== 0 || roundBeforeWeight) return 'unsupported';
  if ([x, y, weight].some(tensor => tensor && tensor.dtype !== 'f32')) return 'unsupported';

  // The kernel. y may be x, so every element is read before it is written.
  for (let i = 0; i < rows; i++) {
    const [from, to] = [i * x.strides[0], i * y.strides[0]];
    let sum = 0;
    for (let j = 0; j < n; j++) sum += x.data[from + j * x.strides[1]] ** 2;
    const r = 1 / Math.sqrt(sum / n + eps);
    for (let j = 0; j < n; j++) {
      const scale = weight ? weight.data[j * weight.strides[0]] : 1;
      y.data[to + j * y.strides[1]] = x.data[from + j * x.strides[1]] * r * scale;
    }
  }
  return 'ok';
}

export const name = 'example';
export const kernels = [{ op: 'rms_norm', name: 'example', run }];
