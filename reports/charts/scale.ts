/** A logarithmic scale and its ticks. */

export interface Scale {
  /** Where a value lies, in user units. */
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
}

/** The numbers 1, 2, 5 times a power of ten from `low` to `high`, or the powers alone where they are many. */
export function logTicks(low: number, high: number): number[] {
  const decades = Math.log10(high / low);
  const steps = decades >= 2 ? [1] : [1, 2, 5];
  const ticks: number[] = [];
  for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e++) {
    for (const step of steps) {
      const tick = Number(`${step}e${e}`);
      if (tick >= low * 0.999 && tick <= high * 1.001) ticks.push(tick);
    }
  }
  return ticks;
}

/**
 * Values spread over a range by their logarithm.
 *
 * @param margin - what is left free at both ends, as a part of the span of the values.
 * @param least - the factor that the axis spans at least, around the middle of its values; with 5 there are
 *   two ticks wherever they lie.
 */
export function logScale(
  values: readonly number[],
  [from, to]: readonly [number, number],
  { margin, least }: { readonly margin: number; readonly least: number },
): Scale {
  const low = Math.log(Math.min(...values));
  const high = Math.log(Math.max(...values));
  const span = Math.max((high - low) * (1 + 2 * margin), Math.log(least), 1e-9);
  const start = (low + high - span) / 2;
  return {
    at: value => from + ((Math.log(value) - start) / span) * (to - from),
    ticks: logTicks(Math.exp(start), Math.exp(start + span)),
  };
}
