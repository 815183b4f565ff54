/** Where a failure begins along one ordered field, with the others as they are. */

import type { Threshold } from '../../run/document.ts';
import type { Attempts } from './attempts.ts';
import { agreement, type Field } from './fields.ts';

/** Values between the ends that are tried beside: what is no threshold shows there. */
const between = 4;

/**
 * Follows one field in three rounds, so that many fields share the attempts fairly: the neighbours and the ends;
 * the bisection between what fails and what holds; then values in between.
 */
export class Line {
  readonly #field: Field;
  readonly #attempts: Attempts;
  readonly #value: number;
  readonly #drawn: readonly number[];
  /** Those that are drawn, each once, ascending. */
  readonly #values: readonly number[];
  readonly #whole: boolean;
  readonly #seen = new Map<number, 'fails' | 'holds' | 'same'>();

  constructor(field: Field, attempts: Attempts) {
    this.#field = field;
    this.#attempts = attempts;
    this.#value = field.value as number;
    this.#drawn = field.sampled.filter(other => typeof other === 'number');
    this.#values = [...new Set([...this.#drawn, this.#value])].sort((a, b) => a - b);
    this.#whole = this.#values.every(Number.isInteger) && this.#values.length > 5;
  }

  /** The neighbours of the value, the least and the largest that fits. */
  ends(): void {
    const at = this.#values.indexOf(this.#value);
    const [below, above] = this.#whole
      ? [this.#value - 1, this.#value + 1]
      : [this.#values[at - 1], this.#values[at + 1]];
    const least = this.#values[0];
    const largest = this.#values.findLast(value => this.#attempts.fits(this.#field.with(value))) ?? least;
    for (const value of [least, largest]) this.#try(value);
    if (below !== undefined && below >= least) this.#try(below);
    if (above !== undefined && above <= largest) this.#try(above);
  }

  /** Closes in on both ends of the stretch that fails: among whole numbers to the last, else among the drawn ones. */
  bisect(): void {
    for (const side of [-1, 1]) {
      const beyond = [...this.#seen].filter(([value]) => Math.sign(value - this.#value) === side);
      const holding = beyond.filter(([, is]) => is === 'holds').map(([value]) => value * side);
      if (holding.length === 0) continue;
      let holds = this.#place(Math.min(...holding) * side);
      let fails = this.#place(this.#value);
      while (Math.abs(holds - fails) > 1) {
        const middle = Math.floor((fails + holds) / 2);
        const is = this.#try(this.#whole ? middle : this.#values[middle]);
        if (is === 'holds') holds = middle;
        else if (is === 'fails' || is === 'same') fails = middle;
        else break;
      }
    }
  }

  /**
   * Where one value fails alone, its like in steps of a vector's width. Then values that were drawn, spread over
   * the rest: a stretch that looks whole may have holes.
   */
  between(): void {
    const alone = [-1, 1].every(step => this.#seen.get(this.#value + step) === 'holds');
    if (this.#whole && alone) {
      for (const step of [-16, -8, 8, 16, 32]) {
        const value = this.#value + step;
        if (value >= this.#values[0] && value <= this.#values.at(-1)!) this.#try(value);
      }
    }
    const free = this.#values.filter(value => !this.#seen.has(value) && value !== this.#value);
    const step = Math.max(1, Math.floor(free.length / between));
    for (let i = 0; i < free.length; i += step) this.#try(free[i]);
  }

  /** What was seen; undefined: the field changes nothing here, or nothing could be tried. */
  threshold(): Threshold | undefined {
    const tried = [...this.#seen].sort(([a], [b]) => a - b);
    const having = (wanted: 'fails' | 'holds' | 'same') =>
      tried.filter(([, is]) => is === wanted).map(([value]) => value);
    const [fails, holds, same] = [having('fails'), having('holds'), having('same')];
    if (fails.length + holds.length === 0) return undefined;
    const below = Math.max(...holds.filter(value => value < this.#value), -Infinity);
    const above = Math.min(...holds.filter(value => value > this.#value), Infinity);
    const inside = (value: number) => value > below && value < above;
    const stretch = [this.#value, ...same, ...fails].filter(inside);
    const from = below === -Infinity ? null : Math.min(...stretch);
    const to = above === Infinity ? null : Math.max(...stretch);
    const { name } = this.#field;
    // What is cut to fit (a width to that of its head) has the least of the values that come to the same.
    const value = Math.min(this.#value, ...same.filter(inside));
    const agrees = (one: unknown) =>
      typeof one === 'number' && (from === null || one >= from) && (to === null || one <= to);
    return { name, value, from, to, fails, holds, ...agreement(this.#field, agrees) };
  }

  #place(value: number): number {
    return this.#whole ? value : this.#values.indexOf(value);
  }

  #try(value: number) {
    if (value === this.#value) return 'same';
    const known = this.#seen.get(value);
    if (known) return known;
    const is = this.#attempts.try(this.#field.with(value));
    if (is !== 'mute' && is !== 'spent') this.#seen.set(value, is);
    return is;
  }
}
