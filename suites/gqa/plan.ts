/**
 * GQA's cases: the plan, which is what varies. How plans are drawn: fields.ts, deals.ts; the case that a plan
 * becomes: build.ts.
 *
 * Any combination of fields is a valid plan: what does not go together is settled when the case is built, so
 * that shrinking a field can never leave the contract.
 */

import type { Poison } from '../../src/case/case.ts';
import type { FloatDtype } from '../../src/case/dtype.ts';
import type { Recipe } from '../../src/case/recipe.ts';
import type { Special } from '../data.ts';
import type { Layout, Placement } from '../layout.ts';

/** A cache in blocks. */
export interface Paging {
  readonly blockSize: number;
  /** In which order the blocks of a batch, and the batches, stand. */
  readonly order: 'ascending' | 'descending' | 'scattered';
  /** Whether batches share blocks, and a batch repeats some. */
  readonly shared: boolean;
  /** Blocks that no entry names. */
  readonly spare: number;
  /** Whether entries that nobody looks at name no block. */
  readonly garbage: boolean;
  readonly seed: number;
}

export interface Mask {
  /** Whether each batch, and each head, has values of its own; otherwise the dimension has size 1. */
  readonly perBatch: boolean;
  readonly perHead: boolean;
  readonly data: Recipe;
  /** Keys that are hidden: every few of all elements, some neighbours in every row, whole rows, all but one key. */
  readonly hides: 'nothing' | 'scattered' | 'first keys' | 'last keys' | 'rows' | 'all but one' | 'all';
  /** What hides them; the lowest finite number does not quite. */
  readonly by: '-inf' | 'lowest';
}

/** What scores are like, where the data of q and k alone does not say it. */
export type Scores =
  | 'as drawn'
  | 'ascending'
  | 'descending'
  | 'first ahead'
  | 'last ahead'
  | 'low'
  | 'high'
  | 'ties'
  | 'equal';

export interface Plan {
  /** How large the case may be, whatever the sizes below say. */
  readonly room: 'little' | 'ample';
  /** Of q and out. */
  readonly dtype: FloatDtype;
  /** Of k and v under an f32 q; under others it is theirs. */
  readonly kvDtype: FloatDtype;
  readonly batch: number;
  readonly qLen: number;
  /** As many queries as keys, whatever qLen says. */
  readonly prompt: boolean;
  readonly kvHeads: number;
  /** Query heads of a kv head. */
  readonly group: number;
  readonly headDim: number;
  /** Of the batch that has most. */
  readonly keys: number;
  /** How many the others have; `absent`: every batch all that there is room for. */
  readonly lengths: 'absent' | 'equal' | 'falling' | 'scattered' | 'last empty';
  /** Room behind the most keys: slots, or blocks of a batch. */
  readonly spare: number;
  readonly causal: boolean;
  /** 0, or without causal: off. */
  readonly window: number;
  readonly softcap: number;
  /** Times 1 / sqrt(headDim). */
  readonly scale: number;
  readonly scores: Scores;
  /** How far `scores` puts them apart, about. */
  readonly spread: number;
  readonly paging: Paging | null;
  readonly mask: Mask | null;
  readonly q: Recipe;
  readonly k: Recipe;
  readonly v: Recipe;
  readonly special: Special | null;
  readonly specialIn: 'q' | 'k' | 'v';
  /** What stands where no query looks, in k, v and mask. */
  readonly unseen: 'data' | 'nan' | 'inf' | 'max';
  readonly fused: 'none' | 'k beside v' | 'q, k and v' | 'q beside out';
  readonly qLayout: Layout;
  readonly kLayout: Layout;
  readonly vLayout: Layout;
  readonly outLayout: Layout;
  readonly maskLayout: Layout;
  readonly lengthsLayout: Layout;
  readonly tableLayout: Layout;
  readonly edge: Placement['edge'];
  /** Elements that every buffer's first one is shifted by; each buffer takes its own from it. */
  readonly shift: number;
  readonly poison: Poison;
  readonly threads: number;
}
