/** Random histories of the whole contract against the model: one scenario for each seed, and a failure names seed and step. */
import type { BoundedRange, Kv, Range } from '../kv.ts';
import { put, remove } from '../operations.ts';
import { equal, refusal } from './check.ts';
import { Model } from './model.ts';
import { Questions } from './questions.ts';
import { Random } from './random.ts';
import { take, type Bench, type Scenario } from './scenario.ts';

const steps = 140;

/** @param count seeds from 1 on */
export function historyScenarios(count: number): readonly Scenario[] {
  return Array.from({ length: count }, (_, i) => ({
    key: `histories/seed-${i + 1}`,
    title: 'laws 2 to 5: a random history and every question about it have the answers of the model',
    run: (kv: Kv, bench: Bench) => runHistory(kv, bench, i + 1),
  }));
}

async function runHistory(kv: Kv, bench: Bench, seed: number): Promise<void> {
  const history = new RandomHistory(kv, bench, seed, (await kv.status()).revision);
  for (let step = 1; step <= steps; step++) {
    try {
      await history.step();
    } catch (error) {
      const said = error instanceof Error ? error.message : String(error);
      throw new Error(`seed ${seed}, step ${step}: ${said}`, { cause: error });
    }
  }
  await history.end();
}

class RandomHistory {
  #kv: Kv;
  readonly #bench: Bench;
  readonly #random: Random;
  readonly #model: Model;
  readonly #questions: Questions;

  constructor(kv: Kv, bench: Bench, seed: number, revision: number) {
    this.#kv = kv;
    this.#bench = bench;
    this.#random = new Random(seed);
    this.#model = new Model(revision);
    this.#questions = new Questions(this.#random, this.#model);
  }

  async step(): Promise<void> {
    if (this.#random.chance(0.2)) return this.#questions.ask(this.#kv);
    const dice = this.#random.below(100);
    if (dice < 35) await this.#put();
    else if (dice < 48) await this.#delete();
    else if (dice < 60) await this.#txn();
    else if (dice < 66) await this.#transaction();
    else if (dice < 80) await this.#read();
    else if (dice < 86) await this.#pages();
    else if (dice < 90) await this.#history();
    else if (dice < 94) await this.#watch();
    else if (dice < 98) await this.#compact();
    else if (this.#bench.canReopen) this.#kv = await this.#bench.reopen(this.#kv);
  }

  /** Every revision that can be read, and the whole of a watch. */
  async end(): Promise<void> {
    const { compacted, revision } = this.#model;
    for (let at = Math.max(compacted, 1); at <= revision; at++) {
      equal(await take(this.#kv.at(at).list({})), this.#model.list({}, at), `the end, revision ${at}`);
    }
    for (let i = 0; i < 10; i++) await this.#questions.ask(this.#kv);
    await this.#watchFrom({}, Math.max(compacted, 1));
    if (compacted > 1)
      equal(await refusal(() => this.#kv.at(compacted - 1).get('a'), 'below'), 'MVCC_COMPACTED', 'below');
  }

  async #put(): Promise<void> {
    const pairs = Array.from(
      { length: this.#random.below(3) + 1 },
      () => [this.#key(), `${this.#random.below(1000)}`] as const,
    );
    // Not awaited one by one: they take effect in the order of the calls.
    const results = await Promise.all(pairs.map(([key, value]) => this.#kv.put(key, value, { previous: true })));
    for (const [i, [key, value]] of pairs.entries()) {
      const previous = this.#entry(key);
      equal(results[i], { revision: this.#model.write([{ key, value }]), previous }, `put ${key}`);
    }
  }

  async #delete(): Promise<void> {
    const selector = this.#random.chance(0.5) ? this.#key() : this.#bounded();
    const result = await this.#kv.delete(selector, { previous: true });
    const gone =
      typeof selector === 'string'
        ? this.#present({ prefix: selector }).filter(({ key }) => key === selector)
        : this.#present(selector);
    const revision = this.#model.write(gone.map(({ key }) => ({ key, value: undefined })));
    equal(result, { revision, deleted: gone.length, previous: gone }, `delete ${JSON.stringify(selector)}`);
  }

  async #txn(): Promise<void> {
    const tested = this.#key();
    const [first, second, doomed] = [`t${this.#key()}`, `u${this.#key()}`, this.#key()];
    const value = `${this.#random.below(1000)}`;
    const result = await this.#kv.txn({
      if: [{ key: tested, version: { greater: 1 } }],
      then: [put(first, value), remove(doomed), put(second, value)],
      else: [put(second, value, { previous: true })],
    });
    const succeeded = (this.#entry(tested)?.version ?? 0) > 1;
    const gone = this.#entry(doomed) === undefined ? [] : [{ key: doomed, value: undefined }];
    const changes = succeeded ? [{ key: first, value }, ...gone, { key: second, value }] : [{ key: second, value }];
    equal([result.succeeded, result.revision], [succeeded, this.#model.write(changes)], `txn on ${tested}`);
  }

  async #transaction(): Promise<void> {
    const [from, to] = [this.#key(), this.#key()];
    const { value, revision } = await this.#kv.transaction(async (tx) => {
      const entry = await tx.get(from);
      tx.put(to, `${entry?.value ?? ''}+`);
      return entry;
    });
    const entry = this.#entry(from);
    equal(value, entry, `transaction, reading ${from}`);
    equal(revision, this.#model.write([{ key: to, value: `${entry?.value ?? ''}+` }]), `transaction, writing ${to}`);
  }

  async #read(): Promise<void> {
    const [revision, range, reverse] = [this.#readable(), this.#range(), this.#random.chance(0.4)];
    const limit = this.#random.chance(0.3) ? this.#random.below(4) + 1 : undefined;
    const reader = revision === this.#model.revision && this.#random.chance(0.5) ? this.#kv : this.#kv.at(revision);
    const all = this.#model.list(range, revision);
    const wanted = (reverse ? all.toReversed() : all).slice(0, limit);
    const what = `${JSON.stringify(range)} at ${revision}`;
    equal(await take(reader.list(range, { limit, reverse })), wanted, `list ${what}`);
    equal(await reader.count(range), all.length, `count ${what}`);
    const key = this.#key();
    const entry = this.#model.list({}, revision).find((one) => one.key === key);
    equal(await reader.get(key), entry, `get ${key} at ${revision}`);
  }

  async #pages(): Promise<void> {
    const [range, reverse, limit] = [this.#range(), this.#random.chance(0.5), this.#random.below(3) + 1];
    const all = this.#present(range);
    const found: unknown[] = [];
    for (let cursor: string | undefined, pages = 0; pages < 50; pages++) {
      const page = await this.#kv.page(range, { limit, reverse, cursor });
      found.push(...page.entries);
      cursor = page.next;
      if (cursor === undefined) break;
    }
    equal(found, reverse ? all.toReversed() : all, `pages of ${JSON.stringify(range)}`);
  }

  async #history(): Promise<void> {
    const oldest = Math.max(this.#model.compacted, 1);
    const [key, from] = [this.#key(), this.#random.chance(0.6) ? oldest : this.#readable()];
    // At the compacted revision itself a deletion is gone, and a put there is kept.
    const wanted = this.#model.events({ prefix: key }, from + 1).filter((event) => event.key === key);
    const found = await take(this.#kv.history(key, { from }));
    equal(
      found.filter(({ revision }) => revision > from),
      wanted,
      `history of ${key} from ${from}`,
    );
  }

  async #watch(): Promise<void> {
    await this.#watchFrom(this.#random.chance(0.5) ? {} : this.#bounded(), this.#readable() + 1);
  }

  async #watchFrom(range: Range<string>, from: number): Promise<void> {
    // A last change in the range ends the watch: whoever skips an event is found out, not waited for.
    const last = range.start ?? range.prefix ?? 'a';
    equal(
      (await this.#kv.put(last, 'end')).revision,
      this.#model.write([{ key: last, value: 'end' }]),
      'the last change',
    );
    const start = Math.max(from, this.#model.compacted + 1);
    const wanted = this.#model.events(range, start);
    const found: unknown[] = [];
    for await (const event of this.#kv.watch(range, { from: start })) {
      found.push(event);
      if (event.revision >= this.#model.revision) break;
    }
    equal(found, wanted, `watch ${JSON.stringify(range)} from ${start}`);
  }

  async #compact(): Promise<void> {
    const at = this.#model.revision - this.#random.below(20);
    if (at <= Math.max(this.#model.compacted, 1)) return;
    await this.#kv.compact(at, { physical: this.#random.chance(0.5) });
    this.#model.compacted = at;
    equal(await refusal(() => this.#kv.at(at - 1).count({}), 'a read below'), 'MVCC_COMPACTED', 'a read below');
  }

  #key(): string {
    return this.#questions.key();
  }

  #bounded(): BoundedRange<string> {
    return this.#questions.bounded();
  }

  #range(): Range<string> {
    return this.#questions.range();
  }

  #readable(): number {
    return this.#questions.readable();
  }

  #present(range: Range<string>): ReturnType<Model['list']> {
    return this.#model.list(range, this.#model.revision);
  }

  #entry(key: string): ReturnType<Model['list']>[number] | undefined {
    return this.#present({ prefix: key }).find((entry) => entry.key === key);
  }
}
