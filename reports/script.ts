/**
 * What the page's script adds to a page that is complete without it: a theme switch, copying, opening the
 * fold that a link leads into, and the mark of the section in view.
 */

export const script = `
(() => {
  const root = document.documentElement;
  const byId = hash => document.getElementById(decodeURIComponent(hash.slice(1)));
  const theme = document.querySelector('.theme');
  theme.hidden = false;
  theme.addEventListener('click', () => {
    const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
    root.dataset.theme = dark ? 'light' : 'dark';
  });
  for (const button of document.querySelectorAll('.copy')) {
    if (!navigator.clipboard) break;
    button.hidden = false;
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(button.parentElement.querySelector('code').textContent);
      button.textContent = 'Copied';
    });
  }
  const reveal = () => {
    const target = location.hash && byId(location.hash);
    if (!target) return;
    for (let e = target; e; e = e.parentElement) if (e.tagName === 'DETAILS') e.open = true;
    target.scrollIntoView();
  };
  root.classList.add('scripted');
  addEventListener('hashchange', reveal);
  reveal();
  const links = [...document.querySelectorAll('.topbar nav a')];
  const mark = () => {
    const passed = links.filter(a => byId(a.hash).getBoundingClientRect().top < innerHeight / 3);
    const here = passed.at(-1) || links[0];
    for (const a of links) {
      if (a === here) a.setAttribute('aria-current', 'true');
      else a.removeAttribute('aria-current');
    }
  };
  addEventListener('scroll', mark, { passive: true });
  mark();
})();
`;
