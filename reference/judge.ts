/**
 * What a kernel wrote against what it may: one sharp verdict per element, one statistic per case, one bias
 * per row (bounds.md). Starts from "fails": an element passes when its excess is a number within its bound,
 * or when a rule of the contract names what is there.
 */

import {
  type Bits,
  decode,
  type FloatDtype,
  formats,
  isNaNBits,
  round,
  sizeOf,
  ulpOf,
} from '../src/case/dtype.ts';
import { excess } from './excess.ts';
import { type Expected, rule } from './expected.ts';

/** The precision statistic's limit: root mean square of excess / typical error. */
export const precisionLimit = 4;
/** Elements with an excess that the statistic needs. */
const precisionElements = 16;
/** Elements of a row that a bias needs. */
const biasElements = 64;
/** Findings that name an element; further ones are counted. */
const elementFindings = 8;

/** A number as JSON can hold it. */
export type Printable = number | 'nan' | 'inf' | '-inf' | '-0';

/** One way in which an output is wrong. */
export type Finding =
  | {
      readonly property: 'equivalence';
      readonly role: string;
      /** Logical index in the whole tensor. */
      readonly index: number;
      readonly row: number;
      readonly column: number;
      readonly expected: Printable;
      readonly seen: Printable;
      readonly seenBits: string;
      /** `nan`: what was written is no number, or should have been none. */
      readonly excess: Printable;
      readonly bound: Printable;
    }
  | {
      readonly property: 'precision';
      readonly role: string;
      /** Elements with an excess, over which the mean goes. */
      readonly elements: number;
      readonly statistic: number;
      readonly limit: number;
    }
  | {
      readonly property: 'bias';
      readonly role: string;
      readonly row: number;
      /** Mean signed error, in half ulps of the output's type; positive: away from zero. */
      readonly bias: number;
      readonly limit: number;
    };

/** The verdict on one output of a case. It is right when `findings` is empty. */
export interface Judgement {
  readonly role: string;
  /** Elements compared: all of the chosen rows, without exception. */
  readonly elements: number;
  /** Elements whose expected value is finite and not zero: what the verdict rests on. */
  readonly informative: number;
  /** Elements that failed, listed or not. */
  readonly failing: number;
  /** The element that came closest to its bound, or passed it most; infinite where there is no excess or no bound. */
  readonly worst: { readonly ratio: number; readonly index: number } | undefined;
  /** The precision statistic; undefined where the case is not generic, or too few elements have an excess. */
  readonly precision: number | undefined;
  /** The largest |bias| / limit of a row; undefined where the case is not generic, or rows are short. */
  readonly bias: number | undefined;
  readonly findings: readonly Finding[];
}

export interface JudgeOptions {
  /** Whether the case's data is unstructured: `isGeneric`. Only then are precision and bias asked. */
  readonly generic: boolean;
}

/**
 * Compares an output with its expectation.
 *
 * @param observed - the whole tensor in logical order, as stored; only the expected rows are looked at.
 * @throws when `observed` cannot be that tensor.
 */
export function judge(expected: Expected, observed: Bits, options: JudgeOptions): Judgement {
  const { role, rows, rowLength, dtype } = expected;
  const needed = rows.length === 0 ? 0 : (rows.at(-1)! + 1) * rowLength;
  if (observed.length < needed || observed.BYTES_PER_ELEMENT !== sizeOf(dtype)) {
    throw new Error(
      `${role}: ${observed.length} elements of ${observed.BYTES_PER_ELEMENT} bytes were observed, ` +
        `the expectation is of ${dtype} and reaches to element ${needed}`,
    );
  }
  const { ref, hard, typical, rules } = expected;
  const tally = new Tally(expected, observed);
  const precision = { elements: 0, squares: 0 };
  for (let k = 0; k < rows.length; k++) {
    const from = rows[k] * rowLength;
    for (let i = k * rowLength, j = 0; j < rowLength; i++, j++) {
      const bits = observed[from + j];
      const value = ref[i];
      if (value !== 0 && value - value === 0) tally.informative++;
      const right = rules[i] === 0 && round(value, dtype) === decode(bits, dtype);
      const e = right ? 0 : excessUnderRules(expected, i, bits);
      tally.weigh(i, e, hard[i]);
      if (e > 0 && rules[i] === 0) {
        precision.elements++;
        precision.squares += (e / typical[i]) ** 2;
      }
    }
  }
  if (!options.generic) return tally.judgement(undefined, undefined);
  const { elements, squares } = precision;
  const statistic = elements >= precisionElements ? Math.sqrt(squares / elements) : undefined;
  if (statistic !== undefined && !(statistic <= precisionLimit)) {
    tally.findings.push({ property: 'precision', role, elements, statistic, limit: precisionLimit });
  }
  let worstBias: number | undefined;
  for (let k = 0; k < rows.length; k++) {
    const found = biasOf(expected, observed, k);
    if (!found) continue;
    const ratio = Math.abs(found.bias) / found.limit;
    worstBias = Math.max(worstBias ?? 0, ratio);
    if (!(ratio <= 1)) tally.findings.push({ property: 'bias', role, row: rows[k], ...found });
  }
  return tally.judgement(statistic, worstBias);
}

/** The excess of the bits that were written at `index`, when the contract's exceptions are counted in. */
function excessUnderRules(expected: Expected, index: number, bits: number): number {
  const { dtype } = expected;
  const rules = expected.rules[index];
  const seen = decode(bits, dtype);
  if (rules & rule.any) return 0;
  if (rules & rule.bits) return sameBits(bits, expected.exact?.[index], dtype) ? 0 : Number.NaN;
  if (rules & rule.nan) return Number.isNaN(seen) ? 0 : Number.NaN;
  if (Number.isNaN(seen)) return rules & rule.maybeNaN ? 0 : Number.NaN;
  const value = expected.ref[index];
  if (rules & rule.zero && seen === 0) return 0;
  if (rules & rule.shrunk && seen * Math.sign(value) >= 0 && Math.abs(seen) <= Math.abs(value)) return 0;
  if (rules & rule.infinite && seen === Math.sign(value) * Infinity) return 0;
  return excess(expected.nearest?.(index, seen) ?? value, seen, dtype);
}

function sameBits(seen: number, wanted: number | undefined, dtype: FloatDtype): boolean {
  return seen === wanted || (wanted !== undefined && isNaNBits(seen, dtype) && isNaNBits(wanted, dtype));
}

/**
 * The mean signed error of a row in half ulps, and its limit: four times the typical error, and six standard
 * deviations of the mean of as many uniform roundings. From round(ref), not ref: where all elements of a row
 * round the same way, that is no bias.
 */
function biasOf(expected: Expected, observed: Bits, k: number): { bias: number; limit: number } | undefined {
  const { ref, typical, rules, rowLength, rows, dtype } = expected;
  if (rowLength < biasElements) return undefined;
  const format = formats[dtype];
  const from = rows[k] * rowLength;
  let count = 0;
  let error = 0;
  let usual = 0;
  for (let i = k * rowLength, j = 0; j < rowLength; i++, j++) {
    const value = ref[i];
    const rounded = round(value, dtype);
    const y = decode(observed[from + j], dtype);
    // Elements without a value or an error tell nothing here; whether they pass is settled above.
    if (rules[i] !== 0 || value === 0 || !Number.isFinite(rounded) || !Number.isFinite(y)) continue;
    const unit = ulpOf(rounded, format) / 2;
    count++;
    usual += typical[i] / unit;
    if (y === rounded) continue;
    // In 16 bits many values of a row may lie a hair from a tie (h of few digits, r a hair from a power of two);
    // which side a kernel's f32 arithmetic puts them on is no error, however many there are.
    if (expected.ties?.[i] || (dtype !== 'f32' && excess(value, y, dtype) <= typical[i])) continue;
    error += (Math.sign(value) * (y - rounded)) / unit;
  }
  if (count < biasElements) return undefined;
  return { bias: error / count, limit: (4 * usual) / count + 6 / Math.sqrt(3 * count) };
}

/** What is counted over the elements of one output. */
class Tally {
  informative = 0;
  readonly findings: Finding[] = [];
  readonly #expected: Expected;
  readonly #observed: Bits;
  #elements = 0;
  #failing = 0;
  #worst = -1;
  #worstAt = 0;

  constructor(expected: Expected, observed: Bits) {
    this.#expected = expected;
    this.#observed = observed;
  }

  /** Counts element i of the expectation; it fails unless its excess is a number within its bound. */
  weigh(i: number, e: number, bound: number): void {
    this.#elements++;
    const passes = e <= bound;
    if (e === 0 && passes && this.#worst >= 0) return;
    const share = e === 0 && passes ? 0 : e / bound;
    const ratio = Number.isNaN(share) ? Infinity : share;
    if (ratio > this.#worst) {
      this.#worst = ratio;
      this.#worstAt = i;
    }
    if (!passes) this.#fail(i, e, bound);
  }

  #fail(i: number, e: number, bound: number): void {
    this.#failing++;
    if (this.findings.length >= elementFindings) return;
    const { role, dtype, ref } = this.#expected;
    const index = this.#indexOf(i);
    const { rowLength } = this.#expected;
    const bits = this.#observed[index];
    this.findings.push({
      property: 'equivalence',
      role,
      index,
      row: Math.floor(index / rowLength),
      column: index % rowLength,
      expected: printable(ref[i]),
      seen: printable(decode(bits, dtype)),
      seenBits: `0x${bits.toString(16).padStart(2 * sizeOf(dtype), '0')}`,
      excess: printable(e),
      bound: printable(bound),
    });
  }

  /** Logical index in the whole tensor of element i of the expectation. */
  #indexOf(i: number): number {
    const { rows, rowLength } = this.#expected;
    return rows[Math.floor(i / rowLength)] * rowLength + (i % rowLength);
  }

  judgement(precision: number | undefined, bias: number | undefined): Judgement {
    return {
      role: this.#expected.role,
      elements: this.#elements,
      informative: this.informative,
      failing: this.#failing,
      worst: this.#elements ? { ratio: this.#worst, index: this.#indexOf(this.#worstAt) } : undefined,
      precision,
      bias,
      findings: this.findings,
    };
  }
}

function printable(value: number): Printable {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  return Object.is(value, -0) ? '-0' : value;
}
