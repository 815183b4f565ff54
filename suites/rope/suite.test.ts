/** The generator keeps the contract and reaches its edges; the refusals break it. */

import { testSuite } from '../testing/a-suite.ts';
import { rope } from './index.ts';

testSuite(rope, {
  exotic: ({ tensors: { x, y, positions, cos, sin } }) =>
    y.dtype !== x.dtype ||
    positions.dtype !== 'i32' ||
    [cos, sin].some(table => table && table.dtype !== 'f32'),
  edgesWithin: 1500,
  meanElements: 1000,
  tooLarge: ({ threads, tensors, op, ...c }) => {
    if (threads > 1) return `${threads} threads`;
    if (tensors.cos) return 'with tables';
    return 'scaling' in c.params && c.params.scaling.type !== 'none' ? c.params.scaling.type : undefined;
  },
});
