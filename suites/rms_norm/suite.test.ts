/** The generator keeps the contract and reaches its edges; the refusals break it. */

import { testSuite } from '../testing/a-suite.ts';
import { rmsNorm } from './index.ts';

testSuite(rmsNorm, {
  exotic: ({ tensors: { x, weight, ...others } }) =>
    Object.values(others).some(tensor => tensor.dtype !== x.dtype) ||
    (weight !== undefined && weight.dtype !== x.dtype && weight.dtype !== 'f32'),
  edgesWithin: 1000,
  meanElements: 1000,
  tooLarge: ({ threads, tensors }) => {
    // Some deals are about the weight, and keep it.
    const others = Object.keys(tensors).filter(role => !['x', 'y', 'weight'].includes(role));
    return threads > 1 ? `${threads} threads` : others.length > 0 ? `with ${others.join()}` : undefined;
  },
});
