/**
 * What may be changed of a plan, one thing at a time, told from plans that the suite draws: no op is known here.
 * Any combination of fields is a valid plan, so each change leaves a case within the contract.
 */

/** One thing that varies in a suite's plans. */
export interface Field {
  /** Where it stands: `positions.start`. */
  readonly name: string;
  readonly value: unknown;
  /** Other values that it takes, each once; those that are of another kind first. */
  readonly others: readonly unknown[];
  /** What it was in the samples, and in failing cases, as often as it was. */
  readonly sampled: readonly unknown[];
  readonly failing: readonly unknown[];
  /** The plan with another value here. */
  readonly with: (value: unknown) => unknown;
}

type Plain = Readonly<Record<string, unknown>>;

function isRecord(value: unknown): value is Plain {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The fields of a plan that take other values in any of the samples.
 *
 * @param samples - plans of the same suite.
 * @param failing - plans of cases that fail, too.
 */
export function fieldsOf(plan: unknown, samples: readonly unknown[], failing: readonly unknown[]): Field[] {
  if (!isRecord(plan)) return [];
  return innerFields('', plan, samples, failing, inner => inner);
}

function innerFields(
  prefix: string,
  value: Plain,
  sampled: readonly unknown[],
  failing: readonly unknown[],
  build: Field['with'],
): Field[] {
  const at = (key: string, values: readonly unknown[]) => values.filter(isRecord).map(one => one[key]);
  return Object.entries(value).flatMap(([key, part]) =>
    fieldsAt(`${prefix}${key}`, part, at(key, sampled), at(key, failing), changed =>
      build({ ...value, [key]: changed }),
    ),
  );
}

function fieldsAt(
  name: string,
  value: unknown,
  sampled: readonly unknown[],
  failing: readonly unknown[],
  build: Field['with'],
): Field[] {
  const records = sampled.filter(isRecord);
  if (!isRecord(value) || !alike([value, ...records])) return fieldOf(name, value, sampled, failing, build);
  // The same keys wherever it is a record: each varies by itself, and what else the whole may be is one field more.
  const whole = sampled.filter(other => !isRecord(other));
  return [
    ...(whole.length > 0 ? fieldOf(name, value, [...whole, ...records], failing, build) : []),
    ...innerFields(`${name}.`, value, sampled, failing, build),
  ];
}

function alike(records: readonly Plain[]): boolean {
  const [first, ...rest] = records.map(record => Object.keys(record).sort().join());
  return rest.every(keys => keys === first);
}

function fieldOf(
  name: string,
  value: unknown,
  sampled: readonly unknown[],
  failing: readonly unknown[],
  build: Field['with'],
): Field[] {
  const own = JSON.stringify(value);
  const distinct = [...new Map(sampled.map(other => [JSON.stringify(other), other])).values()];
  const others = distinct.filter(other => JSON.stringify(other) !== own);
  if (others.length === 0) return [];
  const seen = new Set([wordOf(value)]);
  const news = others.filter(other => {
    const word = wordOf(other);
    const isNew = !seen.has(word);
    seen.add(word);
    return isNew;
  });
  return [{ name, value, others: [...new Set([...news, ...others])], sampled, failing, with: build }];
}

/** A value in a word: what kind of thing it is, where it is more than one thing. */
export function wordOf(value: unknown): string {
  if (value === null || value === undefined) return 'none';
  if (Array.isArray(value)) return value.length === 0 ? 'none' : `${value.length} of them`;
  if (!isRecord(value)) return String(value);
  const kind = value.kind ?? value.type ?? value.data ?? value.value;
  return typeof kind === 'string' ? kind : 'given';
}

/** Whether values of a field have an order that means something: numbers do, but for seeds. */
export function isOrdered({ name, value }: Field): boolean {
  return typeof value === 'number' && !/(^|\.)seed$/.test(name);
}

/** How many values that are drawn, and how many in failing cases, agree with what was found out about a field. */
export function agreement({ sampled, failing }: Field, agrees: (value: unknown) => boolean) {
  const count = (values: readonly unknown[]) => values.filter(agrees).length;
  return {
    within: count(sampled) / Math.max(sampled.length, 1),
    failing: failing.length,
    agreeing: count(failing),
  };
}
