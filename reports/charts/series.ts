/** What a latency chart draws: one line or one mark per contender. */

import type { Run, Timing } from '../../src/run/document.ts';
import { distinct, grouped } from '../ledger.ts';
import type { Speed } from '../speeds.ts';
import { byTier, tierClass } from '../tiers.ts';
import { fitText } from './labels.ts';

export interface Series {
  readonly name: string;
  /** Class that gives line, mark and label their colour. */
  readonly look: string;
  /** A circle for native tiers; others' shapes tell providers apart without colour. */
  readonly mark: 'circle' | 'triangle' | 'square' | 'diamond';
  readonly speeds: readonly Speed[];
}

export type Ceiling = Run['ceilings'][number];

/** The roof of a chart at one shape: what it is, and nanoseconds that a call under it would take. */
export interface RoofMark {
  readonly name: string;
  readonly median: number;
}

const peerMarks = ['triangle', 'square', 'diamond'] as const;

/** Of several kernels, the one that is fastest where it is timed last. */
function fastest(kernels: Iterable<readonly Speed[]>): readonly Speed[] {
  const last = (speeds: readonly Speed[]) => speeds.at(-1)?.timing.median ?? Infinity;
  return [...kernels].toSorted((a, b) => last(a) - last(b))[0] ?? [];
}

const ofKernel = ({ timing }: Speed) => JSON.stringify([timing.kernel, timing.tier]);

/**
 * The lines of one chart: every native tier; of every other provider its fastest kernel, three providers at
 * most, as more would hide what they are compared with. The tables hold them all.
 */
export function seriesOf(speeds: readonly Speed[]): Series[] {
  const native = speeds.filter(s => s.timing.provider === 'native');
  const severalKernels = distinct(native.map(s => s.timing.kernel)).length > 1;
  const tiers = [...grouped(native, ofKernel).values()]
    .toSorted((a, b) => byTier(a[0].timing.tier, b[0].timing.tier))
    .map((own): Series => {
      const { tier, kernel } = own[0].timing;
      const name = severalKernels ? `${tier} ${kernel}` : tier;
      return { name: fitText(name, 90), look: tierClass(tier), mark: 'circle', speeds: own };
    });
  const others = grouped(
    speeds.filter(s => s.timing.provider !== 'native'),
    s => s.timing.provider,
  );
  const peers = [...others].slice(0, peerMarks.length).map(
    ([provider, own], i): Series => ({
      name: fitText(provider, 80),
      look: `peer-${i}`,
      mark: peerMarks[i],
      speeds: fastest(grouped(own, ofKernel).values()),
    }),
  );
  return [...tiers, ...peers];
}

/** The highest roof at the shape of a timing; undefined where none was measured. */
export function roofAt(
  ceilings: readonly Ceiling[],
  { shape, size, dtype, work }: Timing,
): RoofMark | undefined {
  const here = ceilings.filter(c => c.dtype === dtype && c.shape === shape && c.size === size);
  const [highest] = here.toSorted((a, b) => b.rate - a.rate);
  return highest && { name: highest.roof, median: work / highest.rate };
}
