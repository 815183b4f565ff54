// All mutants in one build: every edit becomes a choice at run time, by a number in the environment. One build
// takes as long as one mutant's would, and hundreds of them need no other.

/** What goes into the crate: the number of the mutant that is alive, 0 for none. */
export const runtime = `//! Which mutant is alive.
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

static ALIVE: AtomicU32 = AtomicU32::new(0);

/// Whether it is this one.
#[inline(always)]
pub fn is(n: u32) -> bool {
    ALIVE.load(Relaxed) == n
}

extern "C" fn choose() {
    let n = std::env::var("TIERWISE_MUTANT").ok().and_then(|text| text.parse().ok());
    ALIVE.store(n.unwrap_or(0), Relaxed);
}

#[used]
#[unsafe(link_section = ".init_array")]
static CHOOSE: extern "C" fn() = choose;
`;

/**
 * A file with all its edits as choices.
 *
 * @returns the text, and of each edit where its own text stands and where the whole choice does.
 */
export function withChoices(text, edits) {
  const sorted = [...edits].sort((a, b) => a.start - b.start || b.end - a.end || a.number - b.number);
  let out = '';
  const places = [];

  const render = (from, to, inner) => {
    let at = from;
    while (inner.length > 0) {
      const { start, end } = inner[0];
      // Edits of the same stretch are one choice between several; those inside it go into its last branch.
      const same = inner.filter(edit => edit.start === start && edit.end === end);
      const within = inner.filter(
        edit => !same.includes(edit) && edit.start >= start && edit.end <= end && end > start,
      );
      inner = inner.filter(edit => !same.includes(edit) && !within.includes(edit) && edit.start >= end);
      out += text.slice(at, start);
      const whole = out.length;
      const own = [];
      const { inserted, statement } = same[0];
      if (!inserted && !statement) out += '(';
      for (const edit of same) {
        out += `${edit === same[0] || inserted ? '' : ' else '}if crate::mutant::is(${edit.number}) { `;
        own.push([out.length, out.length + edit.text.length, edit]);
        out += `${edit.text} }`;
      }
      if (inserted) out += '\n';
      else {
        out += ' else { ';
        render(start, end, within);
        out += statement ? '; }' : ' })';
      }
      for (const [first, last, edit] of own) places.push({ first, last, whole: [whole, out.length], edit });
      at = end;
    }
    out += text.slice(at, to);
  };
  render(0, text.length, sorted);
  return { text: out, places };
}

/** The mutants that an error of rustc at these bytes is about: the branch it lies in, the innermost choice, or all inside. */
export function blamed(places, start, end) {
  const within = ([from, to]) => from <= start && end <= to;
  const branch = places.filter(({ first, last }) => within([first, last]));
  const around = branch.length > 0 ? branch : places.filter(({ whole }) => within(whole));
  if (around.length === 0)
    return places.filter(({ whole: [from, to] }) => start <= from && to <= end).map(({ edit }) => edit);
  const size = ({ whole: [from, to] }) => to - from;
  const least = Math.min(...around.map(size));
  return around.filter(place => size(place) === least).map(({ edit }) => edit);
}
