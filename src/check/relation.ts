/**
 * Relations: the same thing asked another way must give the same answer. In bits where the kernel promises
 * it (bits.md) or everyone owes it (contracts.md); within the bound otherwise.
 */

import type { Derived, Relation } from '../../suites/suite.ts';
import { type Case, countOf, outputsOf } from '../case/case.ts';
import {
  type Bits,
  decode,
  encode,
  type FloatDtype,
  firstDifference,
  formats,
  powerOfTwo,
} from '../case/dtype.ts';
import type { Promised } from '../case/promise.ts';
import { deriveSeed } from '../case/random.ts';
import { type Kernel, kernelId, numericsOf, promises } from '../providers/provider.ts';
import { differenceWords } from './call-words.ts';
import { examine } from './examine.ts';
import { type Breach, type Property, place, placeText } from './property.ts';

/** The property that a relation holds. */
export function relation({ name, says, owed, resizes, about, derive }: Relation): Property {
  const known = new WeakMap<Case, Derived | null>();
  const derivedOf = (base: Case): Derived | null => {
    if (!known.has(base)) known.set(base, derive(base, drawOf(base, name)));
    return known.get(base) ?? null;
  };
  return {
    name,
    says,
    ...(about && { about }),
    ask: ({ kernel, case: base, lab, together }) => {
      const derived = derivedOf(base);
      if (!derived) return 'does not apply';
      const before = lab.run(kernel, base);
      if (before.is !== 'ok') return 'does not apply';
      lab.runAll(together, derived.case);
      const { outcome, breaches } = examine(lab, kernel, derived.case);
      if (breaches.length > 0) return askedOtherwise(name, wordsOf(says, base, derived.case), breaches);
      // A stranger may do one form and not the other.
      if (outcome.is !== 'ok') return 'does not apply';
      const promised = owed === 'everyone' || owed.every(promise => promises(kernel, promise));
      if (!promised || (resizes && numericsOf(kernel) !== 'f32')) return 'held';
      const breach = differing(name, says, base, before.outputs, derived, outcome.outputs);
      return breach ? [breach] : 'held';
    },
  };
}

/** What must hold, and how the other form differs. */
function wordsOf(says: string, base: Case, other: Case): string {
  const differs = differenceWords(base, other);
  return differs ? `${says}, with ${differs}` : says;
}

/** What the run of a derived case broke, as breaches of the property that asked for it. */
export function askedOtherwise(name: string, says: string, breaches: readonly Breach[]): Breach[] {
  return breaches.map(breach => ({
    ...breach,
    property: name,
    message: `asked another way (${says}): ${breach.message}`,
  }));
}

/** A property's choices for a case: a function of both alone, so that a replay makes the same ones. */
export function drawOf(c: Case, name: string): (n: number) => number {
  let draws = 0;
  const seeds = Object.values(c.tensors).map(tensor => tensor.data?.seed ?? 0);
  const shape = Object.values(c.tensors).flatMap(tensor => tensor.shape);
  return n => deriveSeed(draws++, name, ...seeds, ...shape) % n;
}

function differing(
  name: string,
  says: string,
  base: Case,
  before: Readonly<Record<string, Bits>>,
  derived: Derived,
  after: Readonly<Record<string, Bits>>,
): Breach | undefined {
  for (const role of derived.roles ?? outputsOf(base)) {
    if (!after[role]) continue;
    const { shape } = base.tensors[role];
    const dtype = base.tensors[role].dtype as FloatDtype;
    const blocks = derived.rows ?? [0];
    const length = after[role].length / blocks.length;
    for (const [i, block] of blocks.entries()) {
      if (block === null) continue;
      const seen = after[role].subarray(i * length, (i + 1) * length);
      const own = before[role].subarray(block * length, (block + 1) * length);
      const due = derived.times ? multiplied(own, derived.times, seen, dtype) : own;
      const at = firstDifference(due, seen, dtype);
      if (at < 0) continue;
      const words = wordsOf(says, base, derived.case);
      return difference(name, words, role, shape, dtype, block * length + at, due[at], seen[at]);
    }
  }
  return undefined;
}

/** Elements times a power of two, which is exact between normal numbers; of others nothing is asked: `seen`. */
function multiplied(own: Bits, times: number, seen: Bits, dtype: FloatDtype): Bits {
  const { minExponent, maxFinite } = formats[dtype];
  const least = powerOfTwo(minExponent);
  return own.map((bits, i) => {
    const [small, large] = [decode(bits, dtype), decode(bits, dtype) * times]
      .map(Math.abs)
      .sort((a, b) => a - b);
    return small >= least && large <= maxFinite ? encode(decode(bits, dtype) * times, dtype) : seen[i];
  });
}

/** A breach that names two bits which should be the same. */
export function difference(
  property: string,
  says: string,
  role: string,
  shape: readonly number[],
  dtype: FloatDtype,
  index: number,
  expected: number,
  seen: number,
): Breach {
  const at = place(index, shape);
  const hex = (bits: number) => `0x${bits.toString(16).padStart(dtype === 'f32' ? 8 : 4, '0')}`;
  const values = { expected: String(decode(expected, dtype)), seen: String(decode(seen, dtype)) };
  return {
    property,
    message: `${says}: ${placeText(role, at)} is ${values.expected} (${hex(expected)}) and ${values.seen} (${hex(seen)})`,
    elements: [{ role, index, at, ...values, seenBits: hex(seen), excess: null, bound: null }],
  };
}

/** Kernels of one name agree in bits between tiers, where they promise it. */
export const tiersAgree: Property = {
  name: 'tiers',
  says: 'the same bits in every tier that promises it',
  ask: ({ kernel, case: c, lab, peers }) => {
    const oracle = peers.find(peer => agreesWith(peer, kernel));
    if (!oracle || kernelId(oracle) === kernelId(kernel)) return 'does not apply';
    const [mine, theirs] = [lab.run(kernel, c), lab.run(oracle, c)];
    if (mine.is !== 'ok' || theirs.is !== 'ok') return 'does not apply';
    for (const role of outputsOf(c)) {
      const { shape, dtype } = c.tensors[role];
      if (countOf(shape) === 0) continue;
      const index = firstDifference(theirs.outputs[role], mine.outputs[role], dtype as FloatDtype);
      if (index < 0) continue;
      const says = `the same bits in ${oracle.tier} and ${kernel.tier}`;
      const bits = [theirs.outputs[role][index], mine.outputs[role][index]] as const;
      return [difference('tiers', says, role, shape, dtype as FloatDtype, index, ...bits)];
    }
    return 'held';
  },
};

const fmaGroup: Readonly<Record<string, number>> = { scalar: 0, sse2: 0, avx2: 1, avx512: 1 };

function agreesWith(peer: Kernel, kernel: Kernel): boolean {
  if (peer.provider !== kernel.provider || peer.op !== kernel.op || peer.name !== kernel.name) return false;
  const both = (promise: Promised) => promises(peer, promise) && promises(kernel, promise);
  const group = fmaGroup[kernel.tier];
  return both('all tiers') || (both('fma tiers') && group !== undefined && fmaGroup[peer.tier] === group);
}
