import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitText, pushApart, textWidth } from './labels.ts';

describe('labels pushed apart', () => {
  it('stay where they are when there is room', () => {
    expect(pushApart([50, 10, 90], [14, 14, 14], [0, 100])).toEqual([50, 10, 90]);
  });

  it('move as little as can be, keeping their order', () => {
    expect(pushApart([50, 50, 50], [10, 10, 10], [0, 100])).toEqual([40, 50, 60]);
    expect(pushApart([50, 52, 20], [10, 10, 10], [0, 100])).toEqual([46, 56, 20]);
  });

  it('never touch, and stay within the range where all of them fit', () => {
    const label = fc.record({
      at: fc.double({ min: -50, max: 450, noNaN: true }),
      size: fc.integer({ min: 1, max: 30 }),
    });
    fc.assert(
      fc.property(fc.array(label, { maxLength: 12 }), labels => {
        const placed = pushApart(
          labels.map(l => l.at),
          labels.map(l => l.size),
          [0, 400],
        );
        const boxes = labels
          .map(({ size }, i) => ({ from: placed[i] - size / 2, to: placed[i] + size / 2 }))
          .sort((a, b) => a.from - b.from);
        for (let i = 0; i < boxes.length; i++) {
          expect(boxes[i].from).toBeGreaterThanOrEqual((boxes[i - 1]?.to ?? 0) - 1e-6);
          expect(boxes[i].to).toBeLessThanOrEqual(400 + 1e-6);
        }
      }),
    );
  });
});

describe('text in charts', () => {
  it('is cut to fit', () => {
    expect(fitText('avx2', 90)).toBe('avx2');
    const cut = fitText('a kernel with a very long name', 90);
    expect(cut.endsWith('…')).toBe(true);
    expect(textWidth(cut)).toBeLessThanOrEqual(90);
  });
});
