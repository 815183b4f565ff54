/** Laws: what a kernel's answers to one call or several owe each other as numbers. */

import { rule } from '../../reference/expected.ts';
import type { Answer as Answered, Disobeyed, Law, Numbers, Run } from '../../suites/law.ts';
import type { Case } from '../case/case.ts';
import { type Bits, decodeAll, type FloatDtype, formats, sizeOf, ulpOf } from '../case/dtype.ts';
import { type Kernel, numericsOf } from '../providers/provider.ts';
import { examine } from './examine.ts';
import type { Lab } from './lab.ts';
import { type Breach, type Property, place, placeText } from './property.ts';
import { askedOtherwise, drawOf } from './relation.ts';
import { sampleRows } from './sample.ts';

/** The property that a law holds. */
export function law({ name, says, concerns, calls, broken }: Law): Property {
  /** Calls that are alike are one call: what is run for one kernel is run for all. */
  const known = new WeakMap<Case, Map<string, Case>>();
  const shared = (base: Case, derived: Case): Case => {
    const cases = known.get(base) ?? new Map<string, Case>();
    known.set(base, cases);
    const text = JSON.stringify(derived);
    const same = cases.get(text) ?? derived;
    cases.set(text, same);
    return same;
  };
  return {
    name,
    says,
    ask: ({ kernel, case: base, lab, together }) => {
      // Of a large case not every element has a bound.
      if (!concerns(base) || sampleRows(base)) return 'does not apply';
      const before = lab.run(kernel, base);
      if (before.is !== 'ok') return 'does not apply';
      const draw = drawOf(base, name);
      const runs = [runOf(lab, kernel, base, before.outputs)];
      for (const make of calls) {
        const c = shared(base, make(runs, draw));
        lab.runAll(together, c);
        const { outcome, breaches } = examine(lab, kernel, c);
        if (breaches.length > 0) return askedOtherwise(name, says, breaches);
        if (outcome.is !== 'ok') return 'does not apply';
        runs.push(runOf(lab, kernel, c, outcome.outputs));
      }
      const wrong = broken(runs);
      return wrong ? [breachOf(name, says, runs[0], wrong)] : 'held';
    },
  };
}

/** A call with its numbers. */
function runOf(lab: Lab, kernel: Kernel, c: Case, outputs: Readonly<Record<string, Bits>>): Run {
  const inputs: Record<string, Numbers> = {};
  for (const [role, bits] of Object.entries(lab.made(c).inputs)) {
    inputs[role] = { bits, values: decodeAll(bits, c.tensors[role].dtype) };
  }
  const answers: Record<string, Answered> = {};
  for (const { role, dtype, ref, hard, rules, nearest } of lab.expected(c, numericsOf(kernel))) {
    const bits = outputs[role];
    const values = decodeAll(bits, dtype);
    const error = values.map((value, i) => {
      const specified = Number.isFinite(value) && Number.isFinite(ref[i]) && !(rules[i] & ~rule.bits);
      // What is as right as the reference may be far from it.
      const aside = Math.abs((nearest?.(i, value) ?? ref[i]) - ref[i]);
      return specified ? aside + hard[i] + ulpOf(value, formats[dtype]) / 2 : Infinity;
    });
    answers[role] = { bits, values, error };
  }
  return { case: c, inputs, outputs: answers };
}

function breachOf(property: string, says: string, { case: c, outputs }: Run, wrong: Disobeyed): Breach {
  const { role, index, ...numbers } = wrong;
  const { shape, dtype } = c.tensors[role];
  const at = place(index, shape);
  const within = wrong.bound === null ? '' : ` (allowed: ${wrong.bound} apart)`;
  const digits = 2 * sizeOf(dtype as FloatDtype);
  const seenBits = `0x${outputs[role].bits[index].toString(16).padStart(digits, '0')}`;
  return {
    property,
    message: `${says}: at ${placeText(role, at)} ${wrong.expected} is due and ${wrong.seen} is seen${within}`,
    elements: [{ role, index, at, ...numbers, seenBits }],
  };
}
