import { expect, test } from 'vitest';
import { rmsNorm } from '../../suites/rms_norm/index.ts';
import { drawCase } from '../check/generate.ts';
import { changed } from '../testing/changed.ts';
import { type Case, caseSchema } from './case.ts';
import { faultOf } from './sound.ts';

const sound: Case = {
  version: 1,
  op: 'rms_norm',
  params: { eps: 1e-5, weightOffset: 0, roundBeforeWeight: false },
  buffers: {
    x: { bytes: 48, edge: 'end', sparse: false, poison: 'nan' },
    y: { bytes: 48, edge: 'start', sparse: false, poison: 'nan' },
  },
  tensors: {
    x: {
      buffer: 'x',
      offset: 0,
      shape: [3, 4],
      strides: [4, 1],
      dtype: 'f32',
      data: { kind: 'normal', seed: 1, scale: 1, patches: [] },
    },
    y: { buffer: 'y', offset: 0, shape: [3, 4], strides: [4, 1], dtype: 'f32' },
  },
  threads: 1,
};

/** The sound case with other values at some places, as a file could hold it. */
function damaged(changes: Readonly<Record<string, unknown>>): Case {
  return caseSchema.parse(JSON.parse(JSON.stringify(changed(sound, changes))));
}

test('cases that the suites make are sound', () => {
  expect(faultOf(sound)).toBeUndefined();
  for (let k = 0; k < 300; k++) expect(faultOf(drawCase(rmsNorm, 2, k).case)).toBeUndefined();
});

const half = { ...sound.buffers.x, bytes: 2 ** 29 };
const nan = { start: 0, count: 1, step: 1, value: 'nan' };

test.each([
  ['no x', { 'tensors.x': undefined }, 'tensors: rms_norm needs x'],
  ['no y', { 'tensors.y': undefined }, 'tensors: rms_norm needs y'],
  ['an unknown tensor', { 'tensors.z': sound.tensors.x }, 'tensors.z: rms_norm has no such tensor'],
  ['an unknown buffer', { 'tensors.x.buffer': 'z' }, 'tensors.x.buffer: there is no buffer "z"'],
  [
    'what every object has',
    { 'tensors.x.buffer': 'toString' },
    'tensors.x.buffer: there is no buffer "toString"',
  ],
  ['NULL with elements', { 'tensors.x.buffer': null }, "tensors.x.buffer: 12 elements can't be at NULL"],
  ['a stride too many', { 'tensors.x.strides': [4, 1, 1] }, 'tensors.x.strides: there are 3 of them for 2'],
  ['a negative size', { 'tensors.x.shape': [-3, 4] }, 'tensors.x.shape: -3 is negative'],
  ['a negative stride', { 'tensors.x.strides': [4, -1] }, 'tensors.x.strides: -1 is negative'],
  ['elements past the end', { 'buffers.x.bytes': 44 }, 'tensors.x.offset: the elements end at byte 48 of 44'],
  [
    'an offset past the end',
    { 'tensors.y.offset': 4 },
    'tensors.y.offset: the elements end at byte 52 of 48',
  ],
  [
    'a crooked offset',
    { 'buffers.y.bytes': 64, 'tensors.y.offset': 2 },
    'tensors.y.offset: 2 is no multiple of 4',
  ],
  ['a crooked end', { 'buffers.x.bytes': 50 }, 'tensors.x.offset: 0 is no multiple of 4'],
  ['an input without data', { 'tensors.x.data': undefined }, 'tensors.x.data: an input needs some'],
  ['an output with data', { 'tensors.y.data': sound.tensors.x.data }, 'tensors.y.data: an output takes none'],
  [
    'more elements than memory',
    { 'tensors.x.shape': [2 ** 40, 4], 'tensors.x.strides': [0, 1] },
    'tensors.x.shape: 4398046511104 elements',
  ],
  [
    'a buffer larger than memory',
    { 'buffers.x.bytes': 2 ** 50 },
    'buffers.x.bytes: 1125899906842624 are more',
  ],
  [
    'a sparse buffer larger than the address space',
    { 'buffers.x.bytes': 2 ** 52, 'buffers.x.sparse': true },
    'buffers.x.bytes: 4503599627370496 are more',
  ],
  ['large buffers', { 'buffers.a': half, 'buffers.b': half }, 'buffers: 1073750016 bytes together are more'],
  [
    'an unknown fixture',
    { 'tensors.x.data': { kind: 'fixture', fixture: 'smollm2/z' } },
    'tensors.x.data.fixture: no',
  ],
  ['a fixture without a name', { 'tensors.x.data': { kind: 'fixture' } }, 'tensors.x.data.fixture: '],
  [
    'blocks that do not divide the elements',
    { 'tensors.x.data.rows': [0, 1, 2, 3, 4] },
    'tensors.x.data.rows: 12 elements are not 5 equal blocks',
  ],
  ['no block', { 'tensors.x.data.rows': [] }, 'tensors.x.data.rows: 12 elements are not 0 equal blocks'],
  [
    'a NaN in an i32',
    { 'tensors.x.dtype': 'i32', 'tensors.x.data.patches': [nan] },
    'tensors.x.data.patches: an i32 tensor cannot hold nan',
  ],
])('%s is told with its place', (_, changes, wanted) => {
  expect(faultOf(damaged(changes))).toContain(wanted);
});
