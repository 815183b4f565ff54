/**
 * The baseline: every op once more, in plain JavaScript, written from contracts.md. Right in all types and slow;
 * what a kernel is worth shows beside it.
 */

import { defineKernels } from '../kernel.ts';
import { gqa } from './gqa.ts';
import { rmsNorm } from './rms_norm.ts';
import { rope } from './rope.ts';

export const name = 'js';
export const version = '1';
export const kernels = defineKernels([
  { op: 'rms_norm', name: 'baseline', promises: ['threads', 'batch', 'placement'], run: rmsNorm },
  { op: 'rope', name: 'baseline', promises: ['threads', 'batch', 'placement'], run: rope },
  { op: 'gqa', name: 'baseline', promises: ['threads', 'batch', 'placement'], run: gqa },
]);
