/** Stages: the same call with other things going on must give the same bits. */

import { near } from '../../suites/near.ts';
import { repetitions, type Scene, type Stage } from '../../suites/stages.ts';
import type { Suite } from '../../suites/suite.ts';
import { type Case, cellDtype, outputsOf, type TensorSpec } from '../case/case.ts';
import { type FloatDtype, firstDifference } from '../case/dtype.ts';
import type { Wording } from '../case/manner.ts';
import { differenceWords } from './call-words.ts';
import { examineOutcome } from './examine.ts';
import { drawCase } from './generate.ts';
import type { Outcome, Staging } from './lab.ts';
import type { Breach, Property } from './property.ts';
import { askedOtherwise, difference, drawOf } from './relation.ts';

/** What a call is staged with costs no more than this. */
const mostOfOthers = 1 << 16;
/** Cases of more bytes are not staged, nor staged with: all their bytes are copied to and fro. */
const mostCopied = 1 << 21;

/** A call as it is staged, and that in words. */
type Told = Staging & { readonly case: Case; readonly words: string };

/** The property that a stage holds. */
export function stage({ name, says, ways, about, native, of }: Stage, suite: Suite): Property {
  const known = new WeakMap<Case, Told | null>();
  const stagingOf = (base: Case): Told | null => {
    if (!known.has(base)) {
      const draw = drawOf(base, name);
      const scene: Scene = {
        draw,
        other: dtype => otherCase(suite, base, draw, dtype),
        near: () => near(suite.near, base, draw),
        atMost: times => repetitions(times, suite.cost(base)),
      };
      const staged = isCopied(base) ? of(base, scene) : null;
      const staging = staged && { case: base, ...staged };
      known.set(base, staging && { ...staging, words: wordsOf(says, staging) });
    }
    return known.get(base) ?? null;
  };
  return {
    name,
    says,
    ways,
    ...(about && { about }),
    ask: ({ kernel, case: base, lab, together }) => {
      const staging = stagingOf(base);
      if (!staging || (native && kernel.language)) return 'does not apply';
      if (isPrecarious(staging) && lab.isEmulated(kernel)) return 'does not apply';
      lab.runAll(together, staging.case);
      const alone = lab.run(kernel, staging.case);
      if (alone.is !== 'ok') return 'does not apply';
      const outcome = lab.staged(kernel, staging.case, staging, together);
      const { words } = staging;
      const { breaches } = examineOutcome(lab, kernel, staging.case, outcome);
      if (breaches.length > 0) return askedOtherwise(name, words, breaches);
      if (outcome.is !== 'ok') {
        const message = `${words}: it answers ${outcome.is} where it did the call`;
        return [{ property: name, message, elements: [] }];
      }
      const broken =
        differs(name, words, staging.case, alone, outcome) ??
        repetition(name, words, outcome) ??
        companion(name, says, outcome.beside);
      return broken ? [broken] : 'held';
    },
  };
}

/** Whether it takes what an emulator may not stand: threads of which each is held up by signals. */
function isPrecarious({ manner, beside }: Staging): boolean {
  return manner.jitter !== undefined || beside !== undefined;
}

/** Whether the bytes of a case can be copied: memory has no holes, and there is not much of it. */
export function isCopied(c: Case): boolean {
  const buffers = Object.values(c.buffers);
  return (
    !buffers.some(({ sparse }) => sparse) && buffers.reduce((sum, { bytes }) => sum + bytes, 0) <= mostCopied
  );
}

/** Another case of the op, drawn; `base` once more where none of some is small and of the type. */
export function otherCase(
  suite: Suite,
  base: Case,
  draw: (n: number) => number,
  dtype: TensorSpec['dtype'] | null,
): Case {
  const seed = draw(2 ** 32);
  // From anywhere, as edges are dealt in turn.
  const first = firstDrawn + draw(2 ** 20);
  for (let tries = 0; tries < mostTries; tries++) {
    const { case: c } = drawCase(suite, seed, first + tries);
    const fits = isCopied(c) && suite.cost(c) <= mostOfOthers;
    if (fits && (dtype === null || cellDtype(c) === dtype)) return c;
  }
  return { ...base };
}

/** Behind the named cases of every suite, which are large. */
const firstDrawn = 1000;
const mostTries = 40;

const wordingWords: Readonly<Record<Wording, string>> = {
  byteOffset: 'by byte_offset',
  noStrides: 'without strides',
  oddStrides: 'with odd strides where sizes are 1',
  longerStruct: 'in a longer struct',
  sizedEarly: 'with scratch sized early',
};

/** What must hold, and how it was staged here. */
function wordsOf(says: string, staging: Staging & { case: Case }): string {
  const { case: c, manner, before = [], inItsPlace } = staging;
  const earlier = inItsPlace ?? (before.length === 1 ? before[0] : c);
  const other = differenceWords(c, earlier);
  const how = [
    ...(manner.jitter ? [`${c.threads} threads`] : []),
    ...(manner.wording ? [wordingWords[manner.wording]] : []),
    ...(other ? [`before it ${other}`] : []),
  ];
  return how.length > 0 ? `${says} (${how.join('; ')})` : says;
}

type Done = Extract<Outcome, { is: 'ok' }>;

function differs(name: string, says: string, c: Case, alone: Done, now: Done): Breach | undefined {
  for (const role of outputsOf(c)) {
    const { shape, dtype } = c.tensors[role];
    const [before, after] = [alone.outputs[role], now.outputs[role]];
    const index = after.length > 0 ? firstDifference(before, after, dtype as FloatDtype) : -1;
    if (index >= 0)
      return difference(name, says, role, shape, dtype as FloatDtype, index, before[index], after[index]);
  }
  return undefined;
}

/** A repetition that left something else than the first call: where the last one's outputs are no proof of it. */
function repetition(name: string, says: string, { differed }: Done): Breach | undefined {
  if (differed === undefined) return undefined;
  return { property: name, message: `${says}: repetition ${differed} left something else`, elements: [] };
}

/** What the call on the other thread came to. */
function companion(name: string, says: string, beside: Outcome | undefined): Breach | undefined {
  if (beside?.is !== 'ok') return undefined;
  const what = [
    ...beside.trespasses,
    ...(beside.differed === undefined ? [] : [`repetition ${beside.differed} left something else`]),
  ];
  if (what.length === 0) return undefined;
  return { property: name, message: `${says}: on the other thread, ${what.join('; ')}`, elements: [] };
}
