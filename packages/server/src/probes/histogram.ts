/** How often something took how long, as Prometheus counts it: each bucket has what is not longer than its bound. */

/** Seconds. */
export const commitBounds: readonly number[] = Array.from({ length: 14 }, (_, at) => 0.001 * 2 ** at);
export const callBounds: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export class Histogram {
  readonly #bounds: readonly number[];
  /** One more than there are bounds. */
  readonly #counts: number[];
  #sum = 0;

  /** @param bounds seconds, ascending */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(seconds: number): void {
    let at = 0;
    while (at < this.#bounds.length && seconds > this.#bounds[at]!) at++;
    this.#counts[at]!++;
    this.#sum += seconds;
  }

  /** @param labels such as `grpc_method="Put"`; empty: none */
  lines(name: string, labels = ''): string[] {
    const front = labels === '' ? '' : `${labels},`;
    const behind = labels === '' ? '' : `{${labels}}`;
    let below = 0;
    const buckets = this.#counts.map((count, at) => {
      below += count;
      const bound = this.#bounds[at];
      return `${name}_bucket{${front}le="${bound === undefined ? '+Inf' : Number(bound.toFixed(3))}"} ${below}`;
    });
    return [...buckets, `${name}_sum${behind} ${this.#sum}`, `${name}_count${behind} ${below}`];
  }
}
