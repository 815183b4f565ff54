import { expect, test } from 'vitest';
import { pageBytes } from '../case/layout.ts';
import { keptBytes, type Slot, SlotPool } from './slots.ts';

const region = (span: number) => ({ span, first: 0, bytes: span * pageBytes }) as never;

/** A pool, and what it keeps. */
function watched(): { pool: SlotPool; kept: Set<Slot>; release: (slot: Slot) => void } {
  const pool = new SlotPool();
  const kept = new Set<Slot>();
  pool.onDrop(slot => kept.delete(slot));
  const release = (slot: Slot) => {
    kept.add(slot);
    pool.release(slot);
  };
  return { pool, kept, release };
}

test('a released slot is handed out again', () => {
  const { pool, release } = watched();
  const slots = [pool.take(region(3)), pool.take(region(3))];
  expect(slots[0]).not.toBe(slots[1]);
  slots.forEach(release);
  expect(new Set([pool.take(region(3)), pool.take(region(3))])).toEqual(new Set(slots));
  expect(slots).not.toContain(pool.take(region(3)));
});

test('however many lengths there are, what is kept is bounded, and is what was used last', () => {
  const { pool, kept, release } = watched();
  const often = pool.take(region(1));
  const bytes = () => [...kept].reduce((sum, slot) => sum + slot.bytes.length, 0);
  release(often);
  for (let span = 2; span <= 256; span++) {
    const slots = [pool.take(region(span)), pool.take(region(span))];
    slots.forEach(release);
    expect(pool.take(region(1))).toBe(often);
    release(often);
    expect(bytes()).toBeLessThanOrEqual(keptBytes);
  }
  expect(bytes()).toBeGreaterThan(keptBytes - 2 * 256 * pageBytes);
  expect([...kept].some(({ span }) => span === 2)).toBe(false);
  expect([...kept].filter(({ span }) => span === 256)).toHaveLength(2);
});

test('long ones and those with holes are not kept', () => {
  const { pool, kept, release } = watched();
  release(pool.take(region(257)));
  release(pool.take({ ...(region(9) as object), pages: [0, 8] } as never));
  expect(kept.size).toBe(0);
});
