/**
 * Calls that differ from a case in one parameter and in nothing else. What a kernel keeps between calls and finds
 * again by too little, it finds again there; drawn cases differ in so much that almost any key tells them apart.
 */

import type { Case, CaseOf, Op } from '../src/case/case.ts';

export type Params<O extends Op> = CaseOf<O>['params'];
/** The case with another value of one parameter; null where it leaves no other that is valid. */
export type Change = (c: Case) => Case | null;

/** Changes of an op's parameters. */
export function changesOf<O extends Op>(
  ...changes: readonly ((params: Params<O>, c: CaseOf<O>) => Partial<Params<O>> | null)[]
): readonly Change[] {
  return changes.map(change => c => {
    const changed = change(c.params as Params<O>, c as CaseOf<O>);
    return changed && ({ ...c, params: { ...c.params, ...changed } } as Case);
  });
}

/** The case with one parameter changed, drawn. */
export function near(changes: readonly Change[], c: Case, draw: (n: number) => number): Case {
  const made = changes.flatMap(change => change(c) ?? []);
  return made[draw(made.length)];
}
