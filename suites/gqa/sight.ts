/** Which keys queries see, a mask apart (contracts.md). */

/** A stretch of keys, [first, end). */
export interface Span {
  readonly first: number;
  readonly end: number;
}

/** What sight depends on: queries of a batch, and how far they look. */
export interface Sight {
  readonly qLen: number;
  readonly causal: boolean;
  /** 0: off. */
  readonly window: number;
}

/** The position of a query: the last one's is the last key's. */
export function positionOf({ qLen }: Sight, length: number, query: number): number {
  return length - qLen + query;
}

/** What one query sees of so many keys. */
export function visibleTo(sight: Sight, length: number, query: number): Span {
  const position = positionOf(sight, length, query);
  const first = sight.window > 0 ? Math.max(0, position - sight.window + 1) : 0;
  const end = sight.causal ? Math.min(length, position + 1) : length;
  return { first, end: Math.max(first, end) };
}

/** What any query of a batch sees: where windows follow each other, nothing lies between them. */
export function visibleToAny(sight: Sight, length: number): Span {
  if (sight.qLen === 0 || length === 0) return { first: 0, end: 0 };
  return { first: visibleTo(sight, length, 0).first, end: length };
}
