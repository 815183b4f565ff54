// The mutants of crates/kernels: those of cargo-mutants, and the swaps of the vocabulary. Each is an edit of one
// file: what stands from `start` to `end` becomes `text`.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../setup.js';
import { closest, leftOf, rightOf, statementAround, tokensOf } from './extents.js';
import { swaps } from './swaps.js';

const sources = 'crates/kernels/src';

/** A file byte by byte, so that places are those of rustc. */
export function read(file) {
  return readFileSync(join(root, file), 'latin1');
}

/** All mutants, by file. */
export function allMutants() {
  const listed = JSON.parse(
    execFileSync('cargo', ['mutants', '--list', '--json', '-p', 'tierwise-kernels'], {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  );
  const files = readdirSync(join(root, sources), { recursive: true })
    .filter(name => /\.rs$/.test(name) && !/tests?\b|testing/.test(name))
    .map(name => join(sources, name))
    .sort();
  return files.map(file => {
    const text = read(file);
    const tokens = tokensOf(text);
    const own = listed.filter(mutant => mutant.file === file).map(mutant => edited(text, tokens, mutant));
    const edits = [...own, ...swapped(file, text, tokens)].filter(edit => edit !== null);
    return { file, text, edits };
  });
}

/** A mutant of cargo-mutants; null where it is of a kind that can't be chosen at run time. */
function edited(text, tokens, { name, genre, replacement, span }) {
  const [from, to] = [offset(text, span.start), offset(text, span.end)];
  const i = tokens.findIndex(token => token.start === from);
  if (genre === 'FnValue')
    return { name, start: from, end: from, text: `return ${replacement};`, inserted: true };
  if (genre === 'MatchArmGuard') return { name, start: from, end: to, text: replacement };
  if (genre === 'UnaryOperator' && i >= 0) {
    const end = rightOf(tokens, i, closest);
    return { name, start: from, end, text: replacement + text.slice(to, end) };
  }
  if (genre !== 'BinaryOperator' || i < 0) return null;
  const assigns = /[^=!<>]=$|<<=|>>=/.test(tokens[i].text);
  const [start, end] = assigns ? statementAround(tokens, i) : [leftOf(tokens, i), rightOf(tokens, i)];
  return {
    name,
    start,
    end,
    text: text.slice(start, from) + replacement + text.slice(to, end),
    statement: assigns,
  };
}

function offset(text, { line, column }) {
  let at = 0;
  for (let k = 1; k < line; k++) at = text.indexOf('\n', at) + 1;
  return at + column - 1;
}

/** The swaps of the vocabulary in a file. */
function swapped(file, text, tokens) {
  const found = [];
  tokens.forEach((token, i) => {
    if (token.text !== '(' || !token.other) return;
    // The name: identifiers, a receiver of one word, a turbofish.
    let first = i - 1;
    if (tokens[first]?.text === '>' && tokens[first].other !== undefined) first = tokens[first].other - 2;
    if (tokens[first]?.kind !== 'operand' || tokens[first - 1]?.text === 'fn') return;
    if (tokens[first - 1]?.text === '.' && /^[sp]$/.test(tokens[first - 2]?.text)) first -= 2;
    const name = text.slice(tokens[first].start, token.start);
    const [start, end] = [tokens[first].start, tokens[token.other].end];
    for (const [pattern, word, swap] of swaps) {
      if (!pattern.test(name)) continue;
      const line = text.slice(0, start).split('\n');
      const place = `${file}:${line.length}:${line.at(-1).length + 1}`;
      const becomes = swap(name, argumentsOf(text, tokens, i));
      found.push({ name: `${place}: ${name.replace(/\s+/g, '')}, ${word}`, start, end, text: becomes });
    }
  });
  return found;
}

/** The arguments in the brackets that open at index `i`. */
function argumentsOf(text, tokens, i) {
  const parts = [];
  let start = tokens[i].end;
  for (let at = i + 1; at <= tokens[i].other; at++) {
    if (at < tokens[i].other && tokens[at].other > at) at = tokens[at].other;
    else if (tokens[at].text === ',' || at === tokens[i].other) {
      const part = text.slice(start, tokens[at].start).trim();
      if (part) parts.push(part);
      start = tokens[at].end;
    }
  }
  return parts;
}
