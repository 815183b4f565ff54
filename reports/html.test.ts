import { describe, expect, it } from 'vitest';
import { html, trusted } from './html.ts';

describe('the template', () => {
  it('escapes text in elements and attributes', () => {
    expect(html`<a title="${`"><b>'&`}">${'<i>'}</a>`.html).toBe(
      '<a title="&quot;&gt;&lt;b&gt;&#39;&amp;">&lt;i&gt;</a>',
    );
  });

  it('nests markup, joins lists, leaves out what is not there', () => {
    const items = ['a', 'b'].map(x => html`<li>${x}</li>`);
    expect(html`<ul>${items}${false}${null}${undefined}${0}</ul>`.html).toBe(
      '<ul><li>a</li><li>b</li>0</ul>',
    );
  });

  it('leaves values alone where it drops the indentation of the source', () => {
    const made = html`
      <pre>${'a\n  b'}</pre>
      ${trusted('x\n  y')}
    `;
    expect(made.html).toBe('<pre>a\n  b</pre>\nx\n  y');
  });

  it('keeps the space before an attribute that is a template of its own', () => {
    expect(html`<p${html` hidden`}>x</p>`.html).toBe('<p hidden>x</p>');
  });
});
