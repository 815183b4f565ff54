/**
 * Properties: what must hold of a kernel, each with one way to find out. A suite lists those of its op.
 */

import type { Finding as Wrong } from '../../reference/judge.ts';
import type { Case } from '../case/case.ts';
import type { Kernel } from '../providers/provider.ts';
import type { FindingElement } from '../run/document.ts';
import type { Lab } from './lab.ts';

/** What a property is asked of. */
export interface Subject {
  readonly kernel: Kernel;
  readonly case: Case;
  readonly lab: Lab;
  /** Kernels that may be compared with. */
  readonly peers: readonly Kernel[];
  /** Kernels of which the same is being asked: what is run for one is run for all at once. */
  readonly together: readonly Kernel[];
}

/** Why a property does not hold. */
export interface Breach {
  /** Which property: a relation may find that the case it derived breaks another one. */
  readonly property: string;
  /** One or two sentences: what was asked, what was seen. */
  readonly message: string;
  readonly elements: readonly FindingElement[];
  /** Set when the runner did not survive: the kernel costs time, and is not asked again. */
  readonly fatal?: 'crash' | 'hang';
}

/** What came of asking: it held, it broke (in one way or more), or it does not concern this subject. */
export type Answer = 'held' | 'does not apply' | readonly Breach[];

export interface Property {
  readonly name: string;
  /** What must hold, in one line. */
  readonly says: string;
  /** How many ways there are to ask it (default: 1): what is asked in many ways is asked more often. */
  readonly ways?: number;
  /** Names of the dimensions that it turns on (default: none): on edges of theirs it is asked first. */
  readonly about?: readonly string[];
  readonly ask: (subject: Subject) => Answer;
}

/** An element in a finding, from the judge's words. */
export function elementOf(c: Case, wrong: Extract<Wrong, { property: 'equivalence' }>): FindingElement {
  const text = (value: number | string) => (typeof value === 'number' ? String(value) : value);
  const number = (value: number | string) => (typeof value === 'number' ? value : null);
  return {
    role: wrong.role,
    index: wrong.index,
    at: place(wrong.index, c.tensors[wrong.role].shape),
    expected: text(wrong.expected),
    seen: text(wrong.seen),
    seenBits: wrong.seenBits,
    excess: number(wrong.excess),
    bound: number(wrong.bound),
  };
}

/** A logical index by dimension, C order. */
export function place(index: number, shape: readonly number[]): number[] {
  const at: number[] = [];
  for (let d = shape.length - 1; d >= 0; d--) {
    at.unshift(index % shape[d]);
    index = Math.floor(index / shape[d]);
  }
  return at;
}

/** An element's place in words: `y[3, 17]`. */
export function placeText(role: string, at: readonly number[]): string {
  return `${role}[${at.join(', ')}]`;
}
