/** An explanation in words: the same in the terminal and on the page. */

import type { Explanation, Field, Finding, Threshold } from '../src/run/document.ts';
import { count, list, percent } from './format.ts';
import { byTier } from './tiers.ts';

/** A number as it is read: whole ones as they are, others with three digits. */
function number(x: number): string {
  return Number.isInteger(x) && Math.abs(x) < 1e15 ? String(x) : String(Number(x.toPrecision(3)));
}

/** Values that are told of a threshold without a plain stretch, at most. */
const mostValues = 8;

function some(values: readonly number[]): string {
  const shown = values.slice(0, mostValues).map(number).join(', ');
  return values.length > mostValues ? `${shown}, ...` : shown;
}

function outside({ from, to }: Threshold) {
  return (value: number) => (from !== null && value < from) || (to !== null && value > to);
}

/** Whether it fails beyond the stretch too: then no threshold is told, but values. */
export function isScattered(threshold: Threshold): boolean {
  return threshold.fails.some(outside(threshold));
}

function isSeed(name: string): boolean {
  return /(^|\.)seed$/.test(name);
}

/** Whether all other values that were tried fail too. */
export function isFree({ fails, holds }: Field | Threshold): boolean {
  return fails.length > 0 && holds.length === 0;
}

/** `from 802 up`, `9 to 15`, `17 alone`; values where there is no stretch. */
export function thresholdWords(threshold: Threshold): string {
  const { from, to, value, fails, holds } = threshold;
  if (isScattered(threshold)) {
    const all = [...new Set([...fails, value])].sort((a, b) => a - b);
    return `fails at ${some(all)}; holds at ${some(holds)}`;
  }
  if (from !== null && to !== null)
    return from === to ? `${number(from)} alone` : `${number(from)} to ${number(to)}`;
  if (from !== null) return `from ${number(from)} up`;
  return to === null ? 'any' : `up to ${number(to)}`;
}

/** `only false`, `normal, uniform; not zeros`. */
export function fieldWords({ value, fails, holds }: Field): string {
  if (holds.length === 0) return 'any';
  if (fails.length === 0) return value === 'none' ? 'never given' : `only ${value}`;
  const failing = [...new Set([value, ...fails])];
  const mixed = holds.filter(other => failing.includes(other));
  const apart = holds.filter(other => !failing.includes(other));
  const not = [...apart, ...mixed.map(other => `every ${other}`)];
  return `${failing.join(', ')}; not ${not.join(', ')}`;
}

/** What may change freely, what may not, and where it begins; what tells most of failing cases first. */
export function changeWords({ fields, thresholds }: Explanation): {
  free: string[];
  bound: { name: string; words: string; agreement: string }[];
  begins: { name: string; words: string; agreement: string }[];
} {
  const told = <T extends Field | Threshold>(all: readonly T[], words: (one: T) => string) =>
    all
      // Which seeds fail is chance, and says that it depends on the numbers.
      .filter(one => !isFree(one) && !isSeed(one.name))
      .sort((a, b) => weight(b) * (1 - b.within) - weight(a) * (1 - a.within))
      .map(one => ({ name: one.name, words: words(one), agreement: agreementWords(one) }));
  return {
    free: [...fields, ...thresholds].filter(isFree).map(({ name }) => name),
    bound: told(fields, fieldWords),
    begins: told(thresholds, thresholdWords),
  };
}

const tierWords: Readonly<Record<Explanation['tiers'][number]['is'], string>> = {
  'same bits': 'the same bits',
  'fails alike': 'fails alike',
  'fails otherwise': 'fails, with other bits',
  holds: 'holds',
  'not asked': 'has no answer to this case',
};

/** What other tiers make of it: `the same bits in sse2, avx2; holds in avx512`. */
export function tiersWords({ tiers }: Explanation): string {
  const groups = new Map<string, string[]>();
  for (const { tier, is } of [...tiers].sort((a, b) => byTier(a.tier, b.tier))) {
    groups.set(is, [...(groups.get(is) ?? []), tier]);
  }
  return [...groups]
    .map(([is, own]) => `${tierWords[is as keyof typeof tierWords]} in ${list(own)}`)
    .join('; ');
}

/** Thresholds and conditions that a sentence holds, at most. */
const mostClauses = 4;
/** What nearly every case has anyway is not worth a clause. */
const common = 0.9;
/** Other failing cases that it takes for them to have a say. */
const enough = 4;

/**
 * How much a field's condition tells of failing cases beyond the smallest one: 0, they agree as often as any case
 * does; 1, all of them agree.
 */
export function weight({ within, failing, agreeing }: Field | Threshold): number {
  return failing < enough || within >= 1 ? 1 : (agreeing / failing - within) / (1 - within);
}

/** Whether a condition is worth a clause. */
function tells(condition: Field | Threshold): boolean {
  return condition.within < common && weight(condition) > 0.5;
}

/** `62 of 62 failing cases, 40 % of all`. */
export function agreementWords({ within, failing, agreeing }: Field | Threshold): string {
  return failing === 0
    ? ''
    : `${agreeing} of ${count(failing)} other failing cases, ${percent(within)} of all`;
}

/** `Fails from position 802 up, never with tables, with the same bits in every tier.` Empty where nothing is known. */
export function explanationSentence(finding: Finding): string {
  const { explanation } = finding;
  if (!explanation) return '';
  const { fields, thresholds, tiers } = explanation;
  const begins = thresholds
    .filter(t => !isFree(t) && !isScattered(t) && tells(t))
    .sort((a, b) => a.within - b.within)
    .map(t => {
      const [name, words] = [t.name, thresholdWords(t)];
      return words.startsWith('from ') ? `from ${name} ${words.slice(5)}` : `with ${name} ${words}`;
    });
  const conditions = fields
    .filter(
      field => field.fails.length === 0 && field.holds.length > 0 && !isSeed(field.name) && tells(field),
    )
    .map(({ name, value }) => (value === 'none' ? `never with ${name}` : `only with ${name} ${value}`));
  const all = new Set(tiers.map(({ is }) => is));
  const agreed = tiers.length > 0 && all.size === 1 && tiers[0].is;
  const where =
    agreed === 'same bits'
      ? ['with the same bits in every tier']
      : agreed === 'holds'
        ? [`in ${finding.tier} alone`]
        : [];
  const clauses = [...begins, ...conditions].slice(0, mostClauses);
  const said = [...clauses, ...where];
  return said.length > 0 ? `Fails ${said.join(', ')}.` : '';
}

/** Edges where it fails more often than elsewhere, and those where it fails less often or never; each the surest first. */
export function sharesApart({ shares }: Explanation): {
  more: NonNullable<Explanation['shares']>['edges'];
  less: NonNullable<Explanation['shares']>['edges'];
} {
  const overall = shares && shares.cases > 0 ? shares.failed / shares.cases : 0;
  const edges = shares?.edges ?? [];
  return {
    more: edges.filter(({ cases, failed }) => failed / cases > overall),
    less: edges.filter(({ cases, failed }) => failed / cases <= overall),
  };
}

/** `3,350 of 6,144 cases fail (55 %)`. */
export function overallWords({ shares }: Explanation): string {
  if (!shares || shares.cases === 0) return '';
  const { cases, failed } = shares;
  return `${count(failed)} of ${count(cases)} cases fail (${percent(failed / cases)})`;
}
