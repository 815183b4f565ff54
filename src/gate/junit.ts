/** The gate's answer as JUnit XML, as most CI systems read it: one suite an op of a provider, one case a cell. */

import type { Judged, Row } from './gate.ts';

/** The whole document. */
export function junit({ rows, problems }: Judged): string {
  const suites = new Map<string, string[]>();
  for (const row of rows) {
    const name = `${row.provider}/${row.op}`;
    suites.set(name, [...(suites.get(name) ?? []), caseOf(row)]);
  }
  const beside = problems.map(problem => testCase('gate', problem, failure(problem)));
  if (beside.length > 0) suites.set('gate', beside);
  const all = [...suites].map(
    ([name, cases]) =>
      `<testsuite${attributes({ name, ...counts(cases) })}>\n${cases.join('\n')}\n</testsuite>`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites${attributes({ name: 'tierwise gate', ...counts([...suites.values()].flat()) })}>\n${all.join('\n')}\n</testsuites>\n`;
}

function counts(cases: readonly string[]) {
  const having = (tag: string) => cases.filter(one => one.includes(`<${tag} `)).length;
  return { tests: cases.length, failures: having('failure'), skipped: having('skipped') };
}

function caseOf(row: Row): string {
  const says = `${row.seen}${row.why ? `: ${row.why}` : ''}`;
  const body =
    row.state === 'red'
      ? failure(says)
      : row.state === 'green'
        ? ''
        : `<skipped${attributes({ message: says })}/>`;
  return testCase(`${row.provider}.${row.op}.${row.kernel}`, `${row.tier} ${row.dtype}`, body);
}

function failure(message: string): string {
  return `<failure${attributes({ message })}/>`;
}

function testCase(classname: string, name: string, body: string): string {
  const head = `<testcase${attributes({ classname, name })}`;
  return body ? `${head}>${body}</testcase>` : `${head}/>`;
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Attributes; characters that XML 1.0 cannot hold, and lone halves of surrogate pairs, become U+FFFD. */
function attributes(values: Readonly<Record<string, string | number>>): string {
  const text = (value: string | number) =>
    String(value)
      .replace(/[&<>"]/g, character => entities[character])
      .replace(/[\t\n\r]/g, character => `&#${character.charCodeAt(0)};`)
      .replace(/[\p{Cc}\p{Cs}\ufffe\uffff]/gu, '\ufffd');
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${text(value)}"`)
    .join('');
}
