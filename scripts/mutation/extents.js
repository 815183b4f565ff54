// How far the operands of a Rust operator reach: enough of the grammar for code that rustfmt wrote.

const patterns = [
  ['space', /(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+/y],
  ['operand', /b?c?"(?:\\[\s\S]|[^"\\])*"|b?'(?:\\[^']+|[^'\\])'/y],
  ['operand', /\d[\d_]*\.\d\w*(?:[eE][+-]?\d+)?|\d\w*/y],
  ['operand', /'?\$?[A-Za-z_]\w*/y],
  ['sign', /<<=|>>=|\.\.=|\.\.|::|->|=>|==|!=|<=|>=|&&|\|\||<<|>>|[-+*/%^&|]=|[\s\S]/y],
];

const keywords = new Set('return if while in match let else break move as for mut ref'.split(' '));

const precedence = new Map(
  [
    ['||'],
    ['&&'],
    ['==', '!=', '<', '>', '<=', '>='],
    ['|'],
    ['^'],
    ['&'],
    ['<<', '>>'],
    ['+', '-'],
    ['*', '/', '%'],
  ].flatMap((signs, i) => signs.map(sign => [sign, i])),
);
/** What binds closer than any binary operator. */
export const closest = 100;

/** The tokens of a file; brackets and turbofish know their other end, bars of closures that they are that. */
export function tokensOf(text) {
  const tokens = [];
  for (let at = 0; at < text.length; ) {
    for (const [kind, pattern] of patterns) {
      pattern.lastIndex = at;
      const found = pattern.exec(text);
      if (!found) continue;
      if (kind !== 'space') tokens.push({ kind, text: found[0], start: at, end: pattern.lastIndex });
      at = pattern.lastIndex;
      break;
    }
  }
  const open = [];
  tokens.forEach((token, i) => {
    const turbofish = token.text === '<' && tokens[i - 1]?.text === '::';
    if ('([{'.includes(token.text) || turbofish) open.push(i);
    else if (')]}'.includes(token.text) || (token.text === '>' && tokens[open.at(-1)]?.text === '<')) {
      const other = open.pop();
      if (other === undefined) return;
      token.other = other;
      tokens[other].other = i;
    }
  });
  tokens.forEach((token, i) => {
    if (token.text !== '|' || token.closure || ends(tokens[i - 1])) return;
    const last = tokens.findIndex(({ text }, at) => at > i && text === '|');
    token.closure = true;
    tokens[last].closure = true;
  });
  return tokens;
}

/** Whether an operand may end with a token, so that a sign behind it is a binary operator. */
function ends(token) {
  if (!token) return false;
  if (token.kind === 'operand') return !keywords.has(token.text);
  return (
    token.text === ')' ||
    token.text === ']' ||
    token.text === '?' ||
    (token.text === '>' && token.other !== undefined)
  );
}

const stops = new Set([',', ';', '=>', '=', '..', '..=', '->', '{', '}', ':']);
const stopWords = new Set('return if while in match let else break move'.split(' '));
const assigns = /^(?:<<|>>|[-+*/%^&|])=$/;

function isStop({ kind, text, closure }) {
  if (closure) return true;
  return kind === 'operand'
    ? stopWords.has(text)
    : stops.has(text) || (assigns.test(text) && !precedence.has(text));
}

/** Where the left operand of the binary operator at index `i` begins. */
export function leftOf(tokens, i) {
  const own = precedence.get(tokens[i].text);
  let at = i - 1;
  let start = tokens[i].start;
  for (; at >= 0; at--) {
    const token = tokens[at];
    if (token.other !== undefined && token.other < at && token.text !== '}') at = token.other;
    else if (isStop(token) || token.other !== undefined) break;
    else if (precedence.has(token.text) && ends(tokens[at - 1]) && precedence.get(token.text) < own) break;
    start = tokens[at].start;
  }
  return start;
}

/** Where the right operand of the operator at index `i` ends, which binds as closely as `own` says. */
export function rightOf(tokens, i, own = precedence.get(tokens[i].text)) {
  let end = tokens[i].end;
  for (let at = i + 1; at < tokens.length; at++) {
    const token = tokens[at];
    if (token.other !== undefined && token.other > at && token.text !== '{') at = token.other;
    else if (isStop(token) || token.other !== undefined) break;
    else if (own === closest && token.text === 'as') break;
    else if (precedence.has(token.text) && ends(tokens[at - 1]) && precedence.get(token.text) <= own) break;
    end = tokens[at].end;
  }
  return end;
}

/** From where to where the statement reaches that has an assigning operator at index `i`. */
export function statementAround(tokens, i) {
  let [first, last] = [i, i];
  const isBorder = ({ text, closure }) =>
    closure || text === ';' || text === '{' || text === '}' || text === '=>' || text === ',';
  while (first > 0 && !isBorder(tokens[first - 1])) {
    first--;
    if (tokens[first].other < first) first = tokens[first].other;
  }
  while (last + 1 < tokens.length && !isBorder(tokens[last + 1]) && !(tokens[last + 1].other < last + 1)) {
    last++;
    if (tokens[last].other > last) last = tokens[last].other;
  }
  return [tokens[first].start, tokens[last].end];
}
