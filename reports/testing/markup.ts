/**
 * A strict reader of the page's own markup: what a browser would mend in silence (a tag that is not closed,
 * an attribute without quotes, a stray `<`) is an error here.
 */

export interface Element {
  readonly tag: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: (Element | string)[];
}

const empty = new Set(['meta', 'col', 'br', 'link', 'img', 'input', 'hr']);
const raw = new Set(['script', 'style']);
const token =
  /<!doctype html>|<(\/?)([a-zA-Z][a-zA-Z0-9-]*)((?:\s+[a-zA-Z][a-zA-Z0-9-]*(?:="[^"<>]*")?)*)\s*(\/?)>|([^<]+)/gy;

const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

function decode(text: string): string {
  return text.replace(/&([^;\s]*);?/g, (whole, name: string) => {
    if (!(name in named) || !whole.endsWith(';')) throw new Error(`stray ampersand: ${whole}`);
    return named[name];
  });
}

function attributesOf(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [, name, value] of text.matchAll(/([a-zA-Z][a-zA-Z0-9-]*)(?:="([^"]*)")?/g)) {
    if (name in found) throw new Error(`attribute ${name} twice: ${text}`);
    found[name] = decode(value ?? '');
  }
  return found;
}

/** The document's element; throws where the markup is not well-formed. */
export function parse(markup: string): Element {
  const root: Element = { tag: '#root', attributes: {}, children: [] };
  const open = [root];
  token.lastIndex = 0;
  while (token.lastIndex < markup.length) {
    const from = token.lastIndex;
    const match = token.exec(markup);
    if (!match) throw new Error(`not markup: ${JSON.stringify(markup.slice(from, from + 80))}`);
    const [, closing, tag, attributes, self, text] = match;
    const parent = open[open.length - 1];
    if (text !== undefined) parent.children.push(decode(text));
    else if (tag === undefined) continue;
    else if (closing) {
      if (parent.tag !== tag) throw new Error(`</${tag}> closes <${parent.tag}> at ${from}`);
      open.pop();
    } else {
      const element: Element = { tag, attributes: attributesOf(attributes), children: [] };
      parent.children.push(element);
      if (raw.has(tag)) {
        const end = markup.indexOf(`</${tag}>`, token.lastIndex);
        element.children.push(markup.slice(token.lastIndex, end));
        token.lastIndex = end + tag.length + 3;
      } else if (!self && !empty.has(tag)) open.push(element);
    }
  }
  if (open.length !== 1) throw new Error(`<${open[open.length - 1].tag}> is not closed`);
  const html = root.children.find((c): c is Element => typeof c !== 'string' && c.tag === 'html');
  if (!html) throw new Error('no <html>');
  return html;
}

/** All elements below one, in document order, that a test holds for. */
export function all(element: Element, holds: (e: Element) => boolean): Element[] {
  return element.children.flatMap(child => {
    if (typeof child === 'string') return [];
    return [...(holds(child) ? [child] : []), ...all(child, holds)];
  });
}

export const byTag = (element: Element, tag: string) => all(element, e => e.tag === tag);

export function hasClass(element: Element, name: string): boolean {
  return (element.attributes.class ?? '').split(' ').includes(name);
}

export const byClass = (element: Element, name: string) => all(element, e => hasClass(e, name));

/** The element with an id; throws where there is none, or more than one. */
export function byId(element: Element, id: string): Element {
  const found = all(element, e => e.attributes.id === id);
  if (found.length !== 1) throw new Error(`${found.length} elements have the id ${id}`);
  return found[0];
}

/** All text below an element, white space as it is read. */
export function textOf(element: Element): string {
  const text = (e: Element): string =>
    e.children.map(child => (typeof child === 'string' ? child : text(child))).join('');
  return text(element).replace(/\s+/g, ' ').trim();
}
