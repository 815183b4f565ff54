/** Refusal: a call that breaks the contract is answered `invalid` before a byte is written. */

import type { Refusal } from '../../suites/suite.ts';
import type { BufferSpec, Case } from '../case/case.ts';
import { extentOf } from '../case/layout.ts';
import { deriveSeed } from '../case/random.ts';
import type { Property } from './property.ts';

/** The property that broken calls are refused: one way a case, in turn. */
export function refuses(refusals: readonly Refusal[]): Property {
  const broken = refusals.map(({ of }) => {
    const known = new WeakMap<Case, Case | null>();
    return (base: Case): Case | null => {
      if (!known.has(base)) known.set(base, withRoom(of(base)));
      return known.get(base) ?? null;
    };
  });
  return {
    name: 'refusal',
    says: 'a call that breaks the contract is refused, and nothing is written',
    ask: ({ kernel, case: base, lab, together }) => {
      const before = lab.run(kernel, base);
      if (before.is !== 'ok') return 'does not apply';
      const seeds = Object.values(base.tensors).map(tensor => tensor.data?.seed ?? 0);
      const first = deriveSeed(0, ...seeds) % refusals.length;
      for (let i = 0; i < refusals.length; i++) {
        const index = (first + i) % refusals.length;
        const { what } = refusals[index];
        const call = broken[index](base);
        if (!call) continue;
        if (call.lie?.scratchBytes && before.scratchBytes < -call.lie.scratchBytes) continue;
        lab.runAll(together, call);
        const outcome = lab.run(kernel, call);
        if (outcome.is === 'died') {
          const message = `a call that must be refused (${what}) was not: ${outcome.message}`;
          return [{ property: 'refusal', message, elements: [], fatal: outcome.how }];
        }
        if (outcome.is === 'nonsense' || outcome.is === 'ok') {
          const seen = outcome.is === 'ok' ? 'the kernel accepts it' : outcome.message;
          return [
            { property: 'refusal', message: `a call must be refused (${what}): ${seen}`, elements: [] },
          ];
        }
        if (outcome.trespasses.length > 0) {
          const seen = outcome.trespasses.join('; ');
          return [{ property: 'refusal', message: `refused (${what}), but ${seen}`, elements: [] }];
        }
        return 'held';
      }
      return 'does not apply';
    },
  };
}

/** The same case with buffers that hold all that its tensors name: what must be refused must not fault by chance. */
function withRoom(c: Case | null): Case | null {
  if (!c) return null;
  const buffers: Record<string, BufferSpec> = {};
  for (const [name, spec] of Object.entries(c.buffers)) {
    const ends = Object.values(c.tensors)
      .filter(tensor => tensor.buffer === name)
      .map(tensor => tensor.offset + extentOf(tensor));
    buffers[name] = { ...spec, bytes: Math.max(spec.bytes, ...ends) };
  }
  return { ...c, buffers };
}
