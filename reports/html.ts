/** A tagged template for HTML in which every value is escaped, unless it is HTML already. */

/** A piece of markup that is safe to put into a page. */
export interface Html {
  readonly html: string;
}

/** What a template takes: text and numbers are escaped, nothing at all is left out, lists are joined. */
export type Content = Html | string | number | false | null | undefined | readonly Content[];

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** `text` as it may stand in an element or in a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, c => entities[c]);
}

function textOf(content: Content): string {
  if (content === null || content === undefined || content === false) return '';
  if (typeof content === 'string') return escapeHtml(content);
  if (typeof content === 'number') return String(content);
  if ('html' in content) return content.html;
  return content.map(textOf).join('');
}

/** Markup from a template; indentation of the source is dropped. Attributes must be quoted. */
export function html(strings: TemplateStringsArray, ...values: Content[]): Html {
  const parts = strings.map((s, i) => {
    const markup = s.replace(/\n\s*/g, '\n');
    return i < values.length ? markup + textOf(values[i]) : markup;
  });
  return { html: parts.join('').replace(/^\n|\n$/g, '') };
}

/** Text that is markup already: the style sheet, the script. Never anything that comes from a run. */
export function trusted(markup: string): Html {
  return { html: markup };
}
