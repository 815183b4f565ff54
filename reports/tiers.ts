/** The tiers as the page shows them: their order, what they are made of, and the class that colours them. */

import { tiers } from '../src/run/document.ts';

/** What a tier is compiled for. */
const madeOf: Readonly<Record<(typeof tiers)[number], string>> = {
  scalar: 'x86-64-v1',
  sse2: 'SSE2',
  avx2: 'AVX2 FMA F16C',
  avx512: 'F BW DQ VL CD',
  amx: 'AMX tiles',
  neon: 'arm64',
  simd128: 'wasm',
};

function known(tier: string): tier is (typeof tiers)[number] {
  return (tiers as readonly string[]).includes(tier);
}

/** What stands under a tier's name; nothing for a tier that only its library knows. */
export function tierNote(tier: string): string {
  if (tier === 'auto') return 'its library picks';
  return known(tier) ? madeOf[tier] : '';
}

/** The class of lines, dots and labels of a tier. */
export function tierClass(tier: string): string {
  return known(tier) ? `t-${tier}` : 't-other';
}

/** Sorts tiers narrowest first; unknown ones follow in the order in which they came. */
export function byTier(a: string, b: string): number {
  const place = (tier: string) => (known(tier) ? tiers.indexOf(tier) : tiers.length);
  return place(a) - place(b);
}
