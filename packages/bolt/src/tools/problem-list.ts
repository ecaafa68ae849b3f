/**
 * What a check has found, kept short whatever the file is like.
 *
 * PRB1  The same finding is listed once; of each rule the first 1000 are, the rest is counted.
 */
import type { Problem } from '../bolt.ts';

const MOST_LISTED = 1000;

/** Findings, in the order in which they came. */
export class ProblemList {
  readonly problems: Problem[] = [];
  unlisted = 0;
  readonly #texts: Set<string> = new Set();
  readonly #counts: Map<string, number> = new Map();

  add(rule: string, page: number | undefined, message: string): void {
    const text = `${rule} ${page ?? ''} ${message}`;
    if (this.#texts.has(text)) return;
    const listed = this.#counts.get(rule) ?? 0;
    if (listed >= MOST_LISTED) {
      this.unlisted++;
      return;
    }
    this.#texts.add(text);
    this.#counts.set(rule, listed + 1);
    this.problems.push({ rule, page, message });
  }
}
