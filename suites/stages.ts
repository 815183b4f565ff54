/**
 * Stages: the same call, with something else going on before it, beside it or around it. For every op, and
 * owed by everyone (contracts.md: Environment, Repeating, Scratch).
 */

import {
  type Case,
  cellDtype,
  countOf,
  inputsOf,
  outputElements,
  outputsOf,
  type TensorSpec,
} from '../src/case/case.ts';
import { fills, type Manner, wordings } from '../src/case/manner.ts';
import { hash } from '../src/case/random.ts';

/** A call with what is going on around it. */
export interface Staged {
  /** The call, where it is not the case's own: with other threads, with other data. */
  readonly case?: Case;
  readonly manner: Manner;
  /** Calls that the kernel makes before, in the same process. */
  readonly before?: readonly Case[];
  /** One that it makes first, in the memory of the call: a case that lies as this one does. */
  readonly inItsPlace?: Case;
  /** One that it makes meanwhile, on another thread. */
  readonly beside?: Case;
  /** Whether the process is started for this call. */
  readonly anew?: boolean;
}

export interface Stage {
  readonly name: string;
  /** What must hold, in one line. */
  readonly says: string;
  /** How many ways there are to ask it: what is asked in many ways is asked more often. */
  readonly ways: number;
  /** The dimensions that it turns on: it is asked on their edges first. */
  readonly about?: readonly string[];
  /** What it stages there is only where the C interface is: scratch, registers, a stack, threads in one process. */
  readonly native?: true;
  /** null: nothing to ask of this case. */
  readonly of: (c: Case, scene: Scene) => Staged | null;
}

/** What a stage can make use of. */
export interface Scene {
  /** Picks one of n, by the case alone. */
  readonly draw: (n: number) => number;
  /** Another case of the op, of the same type or of any. */
  readonly other: (dtype: TensorSpec['dtype'] | null) => Case;
  /** The case with one thing changed: a parameter, an element. */
  readonly near: () => Case;
  /** So many repetitions, or as many as a check can afford. */
  readonly atMost: (times: number) => number;
}

/** More than there is work for, at most shapes. */
export const threadCounts = [1, 2, 3, 5, 7, 16, 64] as const;

/** What the repetitions of one stage may cost: enough for a thousand of a small call. */
const repeatedCost = 1 << 17;

/** So many repetitions, of calls that cost so much each; or as many as a check can afford, one at least. */
export function repetitions(times: number, cost: number): number {
  return Math.max(1, Math.min(times, Math.floor(repeatedCost / Math.max(cost, 1))));
}

/** Other numbers in the same places: what lies as `c` does and has another answer. */
export function withOtherData(c: Case): Case {
  // Where a table has numbers of no block, which lengths keep unseen, both stay as they are.
  const { blockTable, k } = c.tensors;
  const areFree = blockTable?.data?.values?.every(block => block >= 0 && block < k.shape[0]) ?? true;
  const tensors = Object.entries(c.tensors).map(([role, tensor]): [string, TensorSpec] => {
    const { data, dtype } = tensor;
    if (!data || (dtype === 'i32' && !areFree)) return [role, tensor];
    // Positions may be any below what the tables have. Another seed turns a list.
    const values = role === 'positions' ? data.values?.map(next(c)) : data.values;
    return [role, { ...tensor, data: { ...data, seed: hash(data.seed, 1), ...(values && { values }) } }];
  });
  return { ...c, tensors: Object.fromEntries(tensors) };
}

function next(c: Case): (position: number) => number {
  const limit = c.tensors.cos?.shape[0] ?? 2 ** 31;
  return position => (position + 1) % limit;
}

/** Whether a call has enough to do that several threads are at work at once: several rows, or long sums. */
function hasParts(c: Case): boolean {
  const rows = countOf(c.tensors[outputsOf(c)[0]].shape.slice(0, -1));
  const largest = Math.max(...Object.values(c.tensors).map(({ shape }) => countOf(shape)));
  return rows > 0 && ((outputElements(c) >= 256 && rows > 1) || largest >= 1024);
}

export const stages: readonly Stage[] = [
  {
    name: 'repeat',
    says: 'the same call again gives the same bits, the second time and the thousandth',
    ways: 2,
    of: (_c, { draw, atMost }) => ({ manner: { again: atMost([1, 1, 30, 999][draw(4)]) } }),
  },
  {
    name: 'same memory',
    says: 'where another call with other data has just been, the same bits, over whatever it left in outputs and scratch',
    ways: 3,
    of: (c, { draw }) =>
      inputsOf(c).some(role => c.tensors[role].buffer)
        ? { manner: { scratchHandedOn: draw(2) === 1 }, inItsPlace: withOtherData(c) }
        : null,
  },
  {
    name: 'after others',
    says: 'after calls with other lengths, offsets and types, the same bits',
    ways: 3,
    of: (c, { other }) => ({
      manner: {},
      before: [other(cellDtype(c)), other(cellDtype(c)), other(null)],
    }),
  },
  {
    name: 'leftovers',
    says: 'what scratch and free registers hold before the call, and where scratch ends, changes no bit',
    ways: 4,
    native: true,
    of: (_c, { draw }) => ({
      manner: {
        fill: fills[1 + draw(2)],
        scratchEdge: draw(2) ? 'start' : 'end',
        again: 1,
        scratchStays: draw(2) === 1,
      },
    }),
  },
  {
    name: 'little stack',
    says: 'on a stack of 256 KiB, filled with anything, the same bits',
    ways: 1,
    about: ['scores of a group for one query'],
    native: true,
    of: (_c, { draw }) => ({ manner: { littleStack: true, fill: fills[draw(3)] } }),
  },
  {
    name: 'restless',
    says: 'with any number of threads, as often as it is asked, whichever of them comes first, the same bits',
    ways: 4,
    of: (c, { draw, atMost }) => {
      if (!hasParts(c)) return null;
      const threads = threadCounts[1 + draw(threadCounts.length - 1)];
      return { case: { ...c, threads }, manner: { jitter: 1 + draw(2 ** 31), again: atMost(5) } };
    },
  },
  {
    name: 'beside another',
    says: 'while another thread is in another call, the same bits',
    ways: 2,
    native: true,
    of: (c, { draw, other, atMost }) => ({
      beside: draw(3) ? withOtherData(c) : other(cellDtype(c)),
      manner: { again: atMost(7) },
    }),
  },
  {
    name: 'new process',
    says: 'the first call of a process gives the same bits as a later one',
    ways: 1,
    of: () => ({ manner: {}, anew: true }),
  },
  {
    name: 'after a near one',
    says: 'after a call that differs in one parameter, one element or lengths alone, what this one says',
    ways: 4,
    of: (c, { draw, near }) => {
      const [first, second] = draw(2) ? [near(), c] : [c, near()];
      return { case: second, manner: {}, ...(draw(2) ? { inItsPlace: first } : { before: [first] }) };
    },
  },
  {
    // DLPack has two ways to say where a first element is, and two to say that there are no gaps.
    name: 'other words',
    says: 'by byte_offset, without strides or with odd ones where sizes are 1, in a longer struct, or with scratch sized before lengths and positions were written, the same bits',
    ways: 3,
    native: true,
    of: (_c, { draw }) => ({ manner: { wording: wordings[draw(wordings.length)] } }),
  },
];
