import { describe, expect, test } from 'vitest';
import { suites } from '../../../suites/index.ts';
import { drawCase, samplesOf } from '../generate.ts';
import { type Field, fieldsOf, isOrdered, wordOf } from './fields.ts';

const named = (fields: readonly Field[]) => Object.fromEntries(fields.map(field => [field.name, field]));

test('a record of the same keys everywhere is its leaves; what is of several shapes is one field', () => {
  const plan = { n: 3, data: { kind: 'a', seed: 1 }, layout: { kind: 'flat' }, same: 1, tables: null };
  const samples = [
    { n: 5, data: { kind: 'b', seed: 2 }, layout: { kind: 'padded', pad: 4 }, same: 1, tables: { rows: 1 } },
    { n: 3, data: { kind: 'a', seed: 3 }, layout: { kind: 'padded', pad: 9 }, same: 1, tables: null },
  ];
  const fields = named(fieldsOf(plan, samples, [samples[0]]));
  expect(Object.keys(fields)).toEqual(['n', 'data.kind', 'data.seed', 'layout', 'tables']);
  expect(fields.layout.others.map(wordOf)).toEqual(['padded', 'padded']);
  expect(fields['data.kind'].with('b')).toEqual({ ...plan, data: { kind: 'b', seed: 1 } });
  expect(fields.tables).toMatchObject({ others: [{ rows: 1 }], failing: [{ rows: 1 }] });
  expect(
    Object.values(fields)
      .filter(isOrdered)
      .map(field => field.name),
  ).toEqual(['n']);
});

test('a record that may also be none is a field as a whole, beside its leaves', () => {
  const fields = fieldsOf({ tables: { rows: 1 } }, [{ tables: null }, { tables: { rows: 2 } }], []);
  expect(fields.map(({ name, others }) => [name, others])).toEqual([
    ['tables', [null, { rows: 2 }]],
    ['tables.rows', [2]],
  ]);
});

test('values in a word', () => {
  expect([null, true, 3, 'x', { kind: 'k' }, { type: 't' }, {}, []].map(wordOf)).toEqual([
    'none',
    'true',
    '3',
    'x',
    'k',
    't',
    'given',
    'none',
  ]);
});

describe.each(suites)('the fields of $op', suite => {
  const samples = samplesOf(suite);

  test('each by itself leaves a plan that makes a case', () => {
    for (const k of [0, 5, 29]) {
      const { plan } = drawCase(suite, 1, k);
      const fields = fieldsOf(plan, samples, []);
      expect(fields.length).toBeGreaterThan(10);
      for (const field of fields) {
        for (const other of field.others.slice(0, 4))
          expect(suite.build(field.with(other)).op).toBe(suite.op);
      }
    }
  });

  test('names in words are of fields that there are', () => {
    const known = samples.slice(0, 40).flatMap(plan => fieldsOf(plan, samples, []).map(({ name }) => name));
    for (const name of Object.keys(suite.fieldNames ?? {})) expect(known).toContain(name);
  });
});
