/** Labels that don't overlap: how wide a text will be, and where labels go that want the same place. */

/** Font size of all text in charts, in user units. */
export const chartFont = 11;

const narrow = /[ .,:;'’()|/[\]ijlrtf–-]/;
const wide = /[mwMW@%]/;

/**
 * Width of a text in user units: an upper estimate for the fonts that the page may meet (DejaVu Sans is the
 * widest of them), as the browser is not asked.
 */
export function textWidth(text: string, size = chartFont): number {
  let ems = 0;
  for (const c of text) ems += narrow.test(c) ? 0.39 : wide.test(c) ? 0.98 : 0.65;
  return ems * size;
}

/** A text cut to a width, with an ellipsis where something was cut. */
export function fitText(text: string, width: number, size = chartFont): string {
  if (textWidth(text, size) <= width) return text;
  let cut = text;
  while (cut.length > 1 && textWidth(`${cut}…`, size) > width) cut = cut.slice(0, -1);
  return `${cut}…`;
}

/**
 * Places as near to the wanted ones as can be (least squares), in the wanted order, at least `apart` from
 * each other: isotonic regression by pooling adjacent violators, after taking the separations out.
 *
 * @param wanted - where each label would like its centre; in any order, and so are the results.
 * @param extents - the room that each label takes, along the same axis.
 * @param range - what the outermost labels must stay within. Too short a range is overrun at its end.
 */
export function pushApart(
  wanted: readonly number[],
  extents: readonly number[],
  [low, high]: readonly [number, number],
): number[] {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a] - wanted[b] || a - b);
  // offset[k]: how far label k lies beyond label 0 when all touch.
  const offsets: number[] = [];
  let total = 0;
  order.forEach((label, k) => {
    if (k > 0) total += (extents[order[k - 1]] + extents[label]) / 2;
    offsets.push(total);
  });
  const pools: { sum: number; size: number }[] = [];
  order.forEach((label, k) => {
    let pool = { sum: wanted[label] - offsets[k], size: 1 };
    for (let last = pools.at(-1); last && last.sum / last.size > pool.sum / pool.size; last = pools.at(-1)) {
      pools.pop();
      pool = { sum: pool.sum + last.sum, size: pool.size + last.size };
    }
    pools.push(pool);
  });
  const first = order.length > 0 ? low + extents[order[0]] / 2 : low;
  const last = order.length > 0 ? high - extents[order[order.length - 1]] / 2 - total : high;
  const placed: number[] = new Array(wanted.length);
  let k = 0;
  for (const { sum, size } of pools) {
    const start = Math.max(first, Math.min(last, sum / size));
    for (let i = 0; i < size; i++, k++) placed[order[k]] = start + offsets[k];
  }
  return placed;
}
