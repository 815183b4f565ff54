/**
 * Pages that cases stand in, reused from case to case: this side of the arena.
 */

import { Arena } from '#addon';
import { pageBytes, type Region } from '../case/layout.ts';

/** A stretch of the arena that runners can map between inaccessible pages. */
export interface Slot {
  readonly id: number;
  readonly fileOffset: number;
  /** Pages from the first to the last, as a runner maps them. */
  readonly span: number;
  readonly pages?: readonly number[];
  /** The pages that exist, one behind the other: shared with runners. */
  readonly bytes: Uint8Array;
}

/** Stretches of more pages than this are given back when released. */
const keptPages = 256;
/**
 * So many bytes of released slots are kept, those that were used last. Cases have stretches of some hundred
 * lengths: kept all, they would grow with the cases that were seen.
 */
export const keptBytes = 64 * 2 ** 20;

/** Hands out slots; a released one is handed out again for a region of the same shape. */
export class SlotPool {
  readonly arena = new Arena();
  /** By pages; what was released last stands last. */
  readonly #free = new Map<number, Slot[]>();
  #kept = 0;
  readonly #dropped = new Set<(slot: Slot) => void>();
  #next = 0;

  /** A slot for a region. Its bytes hold whatever stood there before. */
  take(region: Region): Slot {
    const existing = region.pages?.length ?? region.span;
    const kept = region.pages ? undefined : this.#free.get(region.span)?.pop();
    if (kept) {
      this.#kept -= kept.bytes.length;
      return kept;
    }
    const length = existing * pageBytes;
    const fileOffset = this.arena.grow(length);
    const bytes = new Uint8Array(this.arena.view(fileOffset, length));
    const slot = { id: this.#next++, fileOffset, span: region.span, bytes };
    return region.pages ? { ...slot, pages: region.pages } : slot;
  }

  /** Takes a slot back. Nothing may use its bytes any more. */
  release(slot: Slot): void {
    if (slot.pages || slot.span > keptPages) {
      this.#drop(slot);
      return;
    }
    const alike = this.#free.get(slot.span) ?? [];
    this.#free.delete(slot.span);
    this.#free.set(slot.span, [...alike, slot]);
    this.#kept += slot.bytes.length;
    while (this.#kept > keptBytes) this.#dropOldest();
  }

  #dropOldest(): void {
    const [[span, slots]] = this.#free;
    const [oldest, ...others] = slots;
    if (others.length > 0) this.#free.set(span, others);
    else this.#free.delete(span);
    if (!oldest) return;
    this.#kept -= oldest.bytes.length;
    this.#drop(oldest);
  }

  #drop(slot: Slot): void {
    for (const forget of this.#dropped) forget(slot);
    this.arena.discard(slot.fileOffset, slot.bytes.length);
  }

  /** Calls back when a slot is gone for good, so that runners unmap it. */
  onDrop(forget: (slot: Slot) => void): void {
    this.#dropped.add(forget);
  }

  /** Calls back no more. */
  offDrop(forget: (slot: Slot) => void): void {
    this.#dropped.delete(forget);
  }
}
