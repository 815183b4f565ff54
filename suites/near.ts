/**
 * Calls that differ from a case in one parameter, in one element, or in lengths, and in nothing else. What a kernel
 * keeps between calls and finds again by too little, it finds again there; drawn cases differ in so much that
 * almost any key tells them apart.
 */

import { type Case, type CaseOf, countOf, inputsOf, type Op } from '../src/case/case.ts';
import { repeats, sameView, withTensors } from './derive.ts';

export type Params<O extends Op> = CaseOf<O>['params'];
/** The case with one thing changed; null where that leaves nothing else that is valid. */
export type Change = (c: Case) => Case | null;
type Draw = (n: number) => number;

/** Changes of an op's parameters. */
export function changesOf<O extends Op>(
  ...changes: readonly ((params: Params<O>, c: CaseOf<O>) => Partial<Params<O>> | null)[]
): readonly Change[] {
  return changes.map(change => c => {
    const changed = change(c.params as Params<O>, c as CaseOf<O>);
    return changed && ({ ...c, params: { ...c.params, ...changed } } as Case);
  });
}

/** The case with one thing changed, drawn: of an op's own changes or, as often, an element of an input. */
export function near(changes: readonly Change[], c: Case, draw: Draw): Case {
  const made = changes.flatMap(change => change(c) ?? []);
  const own = made[draw(made.length)];
  return (draw(2) && anotherElement(c, draw)) || own;
}

/** One element of an input is 1.5: any, or as often the last, which a kernel that looks at the first ones misses. */
function anotherElement(c: Case, draw: Draw): Case | null {
  const roles = inputsOf(c).filter(role => {
    const tensor = c.tensors[role];
    return tensor.data && tensor.dtype !== 'i32' && countOf(tensor.shape) > 0 && !repeats(tensor);
  });
  if (roles.length === 0) return null;
  const chosen = c.tensors[roles[draw(roles.length)]];
  const count = countOf(chosen.shape);
  const patch = { start: draw(2) ? count - 1 : draw(count), count: 1, step: 1, value: 1.5 };
  const data = { ...chosen.data!, patches: [...chosen.data!.patches, patch] };
  const shared = roles.filter(role => sameView(c.tensors[role], chosen));
  return withTensors(c, Object.fromEntries(shared.map(role => [role, { ...c.tensors[role], data }])));
}
