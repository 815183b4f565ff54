/**
 * Random numbers by place: `hash(seed, i)` is the i-th number of a stream, computed on its own, so any
 * process can make any part of a case's data, and permuting rows is a permutation of indices.
 * Integer operations alone, hence the same bits on every machine.
 */

/** One 32-bit number from two. Two rounds of the `lowbias32` finaliser (C. Wellons, hash-prospector). */
export function hash(seed: number, index: number): number {
  return mix(mix(index + 0x9e3779b9) ^ seed);
}

function mix(x: number): number {
  x ^= x >>> 16;
  x = Math.imul(x, 0x7feb352d);
  x ^= x >>> 15;
  x = Math.imul(x, 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/** A seed of its own for each name and number under a seed. */
export function deriveSeed(seed: number, ...path: (string | number)[]): number {
  let state = seed >>> 0;
  for (const step of path) {
    if (typeof step === 'number') state = hash(state, step);
    else for (let i = 0; i < step.length; i++) state = hash(state, step.charCodeAt(i));
  }
  return state;
}
