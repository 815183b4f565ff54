import { expect, test } from 'vitest';
import { gqaCase } from '../../reference/testing/gqa_cases.ts';
import { askAgain } from './ask-again.ts';
import type { Examiner } from './examiner.ts';
import type { Answer } from './property.ts';
import { kernel } from './testing/fake-lab.ts';

/** What comes of asking, where one answer follows the other. */
function askedFor(...answers: Answer[]) {
  let asked = 0;
  const examiner = { ask: () => answers[asked++], lab: { clear: () => {} } } as unknown as Examiner;
  return { again: askAgain(examiner, kernel('k'), gqaCase({}), 'p'), asked };
}

const breach = { property: 'p', message: 'fails', elements: [] };

test('a failure that shows in some calls only is asked for until it shows', () => {
  expect(askedFor([breach])).toEqual({ again: { is: 'failed', breach }, asked: 1 });
  expect(askedFor('held', 'held', 'held', [breach])).toEqual({ again: { is: 'failed', breach }, asked: 4 });
});

test('what holds five times holds', () => {
  const held = Array<Answer>(9).fill('held');
  expect(askedFor(...held)).toEqual({ again: { is: 'held' }, asked: 5 });
});
