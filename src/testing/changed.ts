/** Values that are damaged on purpose. */

/** A copy of a value with others at some places, such as `case.threads` (undefined: nothing). */
export function changed(value: unknown, changes: Readonly<Record<string, unknown>>): unknown {
  const copy: unknown = structuredClone(value);
  for (const [place, wanted] of Object.entries(changes)) {
    const path = place.split('.');
    const last = path.pop()!;
    let target = copy as Record<string, unknown>;
    for (const step of path) target = target[step] as Record<string, unknown>;
    target[last] = wanted;
  }
  return copy;
}
