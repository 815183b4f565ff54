/** The generator keeps the contract and reaches its edges; the refusals break it. */

import { testSuite } from '../testing/a-suite.ts';
import { gqa } from './index.ts';

testSuite(gqa, {
  exotic: ({ tensors: { q, k, v, out, kvLen, blockTable, mask } }) =>
    out.dtype !== q.dtype ||
    v.dtype !== k.dtype ||
    (k.dtype !== q.dtype && q.dtype !== 'f32') ||
    [kvLen, blockTable].some(tensor => tensor && tensor.dtype !== 'i32') ||
    (mask && mask.dtype !== 'f32'),
  edgesWithin: 3000,
  meanElements: 1500,
  tooLarge: ({ threads, tensors: { kvLen, blockTable, mask, k } }) => {
    if (threads > 1) return `${threads} threads`;
    if (mask) return 'with a mask';
    if (blockTable) return 'with blocks';
    return kvLen || k.shape[1] <= 1 ? undefined : `${k.shape[1]} keys`;
  },
});
