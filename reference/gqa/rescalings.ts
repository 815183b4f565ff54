/** How often a running softmax may rescale what it has summed up. */

/**
 * How many rescalings one key's term may go through, at most: the length of the longest ascending run of scores,
 * keys between them left out, read forward or backward, twice, and 8.
 *
 * A kernel that takes keys one by one, in blocks, in lanes or in spans rescales when its maximum rises. The maxima
 * that one sum sees ascend, so there are at most as many as in the longest such run. Those of parts that are
 * merged ascend too: hence twice. A tree goes both ways, and 8 levels are spare.
 *
 * @param scores - the first `count` are read.
 */
export function rescalings(scores: Float64Array, count: number): number {
  const tails = new Float64Array(count);
  const forward = longestRise(scores, 0, count, 1, tails);
  const backward = longestRise(scores, count - 1, count, -1, tails);
  return Math.min(count, 2 * Math.max(forward, backward) + 8);
}

/** Length of the longest strictly ascending subsequence (Schensted 1961): tails[l] is the least end of one of length l + 1. */
function longestRise(
  scores: Float64Array,
  start: number,
  count: number,
  step: 1 | -1,
  tails: Float64Array,
): number {
  let length = 0;
  for (let k = 0, i = start; k < count; k++, i += step) {
    const score = scores[i];
    let low = 0;
    let high = length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (tails[middle] < score) low = middle + 1;
      else high = middle;
    }
    tails[low] = score;
    if (low === length) length++;
  }
  return length;
}
