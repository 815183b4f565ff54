/** A lab in which kernels are functions of a case: for tests of what is made of their answers. */

import { expectedOf } from '../../../reference/index.ts';
import * as gqa from '../../../reference/testing/gqa_kernels.ts';
import * as rmsNorm from '../../../reference/testing/rms_norm_kernels.ts';
import * as rope from '../../../reference/testing/rope_kernels.ts';
import type { Case } from '../../case/case.ts';
import type { Bits } from '../../case/dtype.ts';
import { materialise } from '../../case/materialise.ts';
import type { Numerics } from '../../case/numerics.ts';
import { unsurveyed } from '../../providers/protocol.ts';
import { type Kernel, kernelId } from '../../providers/provider.ts';
import type { Lab, Outcome } from '../lab.ts';

/** What a kernel does with a case. */
export type Behaviour = (c: Case) => Outcome;

/** A row of a table; promises nothing unless said. */
export function kernel(name: string, rest: Partial<Kernel> = {}): Kernel {
  return {
    provider: 'fake',
    index: 0,
    op: 'rms_norm',
    name,
    tier: 'scalar',
    available: true,
    numerics: 0,
    promises: 0,
    code: unsurveyed,
    overclaims: [],
    ...rest,
  };
}

/** All promises at once. */
export const everyPromise = 31;

/** An outcome like that of a call that went well. */
export function ok(outputs: Readonly<Record<string, Bits>>, rest: Partial<Outcome> = {}): Outcome {
  return { is: 'ok', outputs, executed: null, trespasses: [], scratchBytes: 0, ...rest } as Outcome;
}

/** What a right kernel writes. */
export function right(c: Case, inputs = materialise(c).inputs): Record<string, Bits> {
  if (c.op === 'rope') return { y: rope.run(rope.plain, c, inputs) };
  if (c.op === 'gqa') return { out: gqa.run(gqa.plain, c, inputs) };
  const outputs: Record<string, Bits> = rmsNorm.run(rmsNorm.plain, c, inputs);
  return Object.fromEntries(Object.entries(outputs).filter(([role]) => role in c.tensors));
}

/** A lab of these kernels, by name and tier; every run is noted in `asked`. */
export function fakeLab(behaviours: Readonly<Record<string, Behaviour>>) {
  const asked: { kernel: string; case: Case }[] = [];
  const lab = {
    asked,
    run: (kernel: Kernel, c: Case): Outcome => {
      asked.push({ kernel: kernelId(kernel), case: c });
      return behaviours[kernel.name](c);
    },
    runAll: () => [],
    isEmulated: () => false,
    made: materialise,
    expected: (c: Case, numerics: Numerics) => expectedOf(c, materialise(c).inputs, undefined, numerics),
  };
  return lab as typeof lab & Lab;
}
