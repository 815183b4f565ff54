/** Refusal: a call that breaks the contract is answered `invalid` before a byte is written. */

import { permutation } from '../../suites/derive.ts';
import type { Refusal } from '../../suites/suite.ts';
import type { BufferSpec, Case } from '../case/case.ts';
import { extentOf, mostBytes } from '../case/layout.ts';
import type { Outcome, Staging } from './lab.ts';
import type { Breach, Property } from './property.ts';
import { drawOf } from './relation.ts';
import { isCopied } from './stage.ts';

/** Ways to break a call that are tried of one case, beside those that few allow: refusing is quick. */
const triesPerCase = 3;

/** The property that broken calls are refused: some ways a case, drawn. */
export function refuses(refusals: readonly Refusal[]): Property {
  const broken = refusals.map(refusal => {
    const known = new WeakMap<Case, Case | null>();
    return (base: Case): Case | null => {
      if (!known.has(base)) known.set(base, brokenCall(refusal, base));
      return known.get(base) ?? null;
    };
  });
  const places = new WeakMap<Case, Staging>();
  /** A broken call in the place of the valid one, the same for all kernels. */
  const placeOf = (call: Case, base: Case): Staging => {
    const place = places.get(call) ?? { manner: {}, inItsPlace: base };
    places.set(call, place);
    return place;
  };
  const name = 'refusal';
  return {
    name,
    says: 'a call that breaks the contract is refused, and nothing is written',
    ways: Math.ceil(refusals.length / triesPerCase),
    // Where there is no work, refusing is all that a call may ask for.
    about: [...new Set(['work', ...refusals.flatMap(({ about }) => about ?? [])])],
    ask: ({ kernel, case: base, lab, together }) => {
      const before = lab.run(kernel, base);
      if (before.is !== 'ok') return 'does not apply';
      let tries = 0;
      let drawn = 0;
      for (const index of permutation(refusals.length, drawOf(base, name))) {
        const { what, about, inMemory } = refusals[index];
        if (drawn === triesPerCase && !about) continue;
        const call = broken[index](base);
        if (!call) continue;
        // Nothing of a struct reaches a kernel that is not called by the C interface.
        if (call.lie?.structSize && kernel.language) continue;
        if (call.lie?.scratchBytes && before.scratchBytes < -call.lie.scratchBytes) continue;
        tries++;
        if (!about) drawn++;
        lab.runAll(together, call);
        const breach = accepted(what, lab.run(kernel, call));
        if (breach) return [breach];
        // Whoever checks integers once, and remembers where they lay, does not see that they are others now.
        if (!inMemory || !isCopied(call)) continue;
        const later = lab.staged(kernel, call, placeOf(call, base), together);
        if (later.is === 'unsupported' || later.is === 'invalid') continue;
        const where = `${what}, in memory where the valid call has just been`;
        const trust = accepted(where, later);
        if (trust) return [trust];
      }
      return tries > 0 ? 'held' : 'does not apply';
    },
  };
}

/** What is wrong with the answer to a call that must be refused. */
function accepted(what: string, outcome: Outcome): Breach | undefined {
  const breach = (message: string): Breach => ({ property: 'refusal', message, elements: [] });
  switch (outcome.is) {
    case 'died':
      return {
        ...breach(`a call that must be refused (${what}) was not: ${outcome.message}`),
        fatal: outcome.how,
      };
    case 'nonsense':
      return breach(`a call must be refused (${what}): ${outcome.message}`);
    case 'ok':
      return breach(`a call must be refused (${what}): the kernel accepts it`);
    case 'unsupported':
    case 'invalid':
      return outcome.trespasses.length > 0
        ? breach(`refused (${what}), but ${outcome.trespasses.join('; ')}`)
        : undefined;
  }
}

/** A case broken in one way, in memory that holds it; null where it can't be broken so. */
export function brokenCall({ of }: Refusal, base: Case): Case | null {
  const call = of(base);
  return call && withRoom(call);
}

/** The same case with buffers that hold all that its tensors name: what must be refused must not fault by chance. */
function withRoom(c: Case): Case {
  const buffers: Record<string, BufferSpec> = {};
  for (const [name, spec] of Object.entries(c.buffers)) {
    const ends = Object.values(c.tensors)
      .filter(tensor => tensor.buffer === name)
      .map(tensor => tensor.offset + extentOf(tensor));
    // Whole words: what lies flush at an end keeps the alignment of every type.
    const bytes = Math.ceil(Math.max(spec.bytes, ...ends) / 4) * 4;
    // A second row where there was one, and its stride that meant nothing may be beyond 32 bits.
    buffers[name] = { ...spec, bytes, sparse: spec.sparse || bytes > mostBytes };
  }
  return { ...c, buffers };
}
