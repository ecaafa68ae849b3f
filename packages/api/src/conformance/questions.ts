/** Random questions about a history, with the answers of the model: orders, filters, parts of histories, changes, differences, watches of several. */
import type { BoundedRange, Entry, Kv, KvEvent, Range, Selector } from '../kv.ts';
import type { OrderBy, RevisionFilter } from '../list-options.ts';
import { equal, refusal } from './check.ts';
import { byOrder, within, type Model } from './model.ts';
import type { Random } from './random.ts';
import { take } from './scenario.ts';

/** In byte order. */
const keys = ['a', 'a/1', 'a/10', 'a/2', 'b', 'b\u0000', 'c', '\uffff', '\u{10ffff}'];
const orders: readonly OrderBy[] = ['key', 'version', 'createRevision', 'modRevision', 'value'];

export class Questions {
  readonly #random: Random;
  readonly #model: Model;

  constructor(random: Random, model: Model) {
    this.#random = random;
    this.#model = model;
  }

  async ask(kv: Kv): Promise<void> {
    const dice = this.#random.below(6);
    if (dice < 2) await this.#selection(kv);
    else if (dice === 2) await this.#history(kv);
    else if (dice === 3) await this.#changes(kv);
    else if (dice === 4) await this.#difference(kv);
    else await this.#several(kv);
  }

  key(): string {
    return this.#random.pick(keys);
  }

  bounded(): BoundedRange<string> {
    const [one, other] = [this.key(), this.key()];
    if (one === other || this.#random.chance(0.4)) return { prefix: one };
    if (this.#random.chance(0.3)) return { prefix: 'a', start: 'a/1' };
    // As they stand in the list, which is in byte order: a watch of no key is refused.
    return keys.indexOf(one) < keys.indexOf(other) ? { start: one, end: other } : { start: other, end: one };
  }

  range(): Range<string> {
    return this.#random.chance(0.3) ? {} : this.bounded();
  }

  readable(): number {
    const { revision, compacted } = this.#model;
    if (this.#random.chance(0.4)) return revision;
    return Math.max(compacted, 1, revision - this.#random.below(25));
  }

  async #selection(kv: Kv): Promise<void> {
    const [revision, range, reverse, orderBy] = [
      this.readable(),
      this.range(),
      this.#random.chance(0.5),
      this.#random.pick(orders),
    ];
    const limit = this.#random.below(6) + 1;
    const filter = this.#filter();
    const what = JSON.stringify({ revision, range, reverse, orderBy, limit, filter });
    const chosen = this.#model.list(range, revision).filter((entry) => passes(filter, entry));
    const ascending = chosen.toSorted(byOrder(orderBy));
    const wanted = reverse ? ascending.toReversed() : ascending;
    const reader = revision === this.#model.revision && this.#random.chance(0.7) ? kv : kv.at(revision);
    const how = { ...filter, reverse, orderBy };
    equal(await take(reader.list(range, how)), wanted, `list ${what}`);
    equal(await reader.list(range, { ...how, limit }).toArray(), wanted.slice(0, limit), `list with limit ${what}`);
    equal(
      await take(reader.keys(range, { ...how, limit })),
      wanted.slice(0, limit).map(({ key }) => key),
      `keys ${what}`,
    );
    equal(await reader.count(range, filter), wanted.length, `count ${what}`);
    const found: unknown[] = [];
    for (let cursor: string | undefined, pages = 0; pages < 50; pages++) {
      const page = await reader.page(range, { ...how, limit, cursor });
      found.push(...page.entries);
      if ((cursor = page.next) === undefined) break;
    }
    equal(found, wanted, `pages ${what}`);
  }

  async #history(kv: Kv): Promise<void> {
    const key = this.key();
    const [one, other] = [this.readable(), this.readable()];
    const [from, until] = [Math.min(one, other) + 1, Math.max(one, other)];
    if (from > until) return;
    const [reverse, limit] = [this.#random.chance(0.5), this.#random.below(5) + 1];
    const events = this.#model.events({ prefix: key }, from).filter((event) => event.key === key);
    const wanted = events.filter(({ revision }) => revision <= until);
    equal(
      await kv.history(key, { from, until, reverse, limit }).toArray(),
      (reverse ? wanted.toReversed() : wanted).slice(0, limit),
      `history of ${key} from ${from} until ${until}, reverse ${reverse}, limit ${limit}`,
    );
  }

  async #changes(kv: Kv): Promise<void> {
    const { compacted } = this.#model;
    const [range, one, other] = [this.range(), this.readable(), this.readable()];
    const [since, until] = [Math.min(one, other), Math.max(one, other)];
    const wanted = this.#model.events(range, since + 1).filter(({ revision }) => revision <= until);
    const what = `changes of ${JSON.stringify(range)} since ${since} until ${until}`;
    equal(await take(kv.changes(range, { since, until })), wanted, what);
    const limit = this.#random.below(4) + 1;
    const last = wanted[limit - 1]?.revision ?? until;
    const part = wanted.filter(({ revision }) => revision <= last);
    equal(await kv.changes(range, { since, until, limit }).toArray(), part, `${what}, limit ${limit}`);
    if (compacted <= 1) return;
    const below = this.#random.below(compacted);
    equal(
      await refusal(() => take(kv.changes(range, { since: below })), 'since below'),
      'MVCC_COMPACTED',
      'since below',
    );
  }

  async #difference(kv: Kv): Promise<void> {
    const [range, first, second] = [this.range(), this.readable(), this.readable()];
    const [before, after] = [first, second].map((at) => new Map(this.#model.list(range, at).map((e) => [e.key, e])));
    const all = [...(before?.values() ?? []), ...(after?.values() ?? [])].toSorted(byOrder('key'));
    const wanted = [...new Set(all.map(({ key }) => key))].flatMap((key) => {
      const [previous, entry] = [before?.get(key), after?.get(key)];
      if (previous?.modRevision === entry?.modRevision) return [];
      const type = previous === undefined ? 'put' : entry === undefined ? 'delete' : 'change';
      return [{ type, key, previous, entry }];
    });
    const reverse = this.#random.chance(0.5);
    equal(
      await take(kv.diff(first, second, range, { reverse })),
      reverse ? wanted.toReversed() : wanted,
      `diff of ${JSON.stringify(range)} from ${first} to ${second}`,
    );
  }

  async #several(kv: Kv): Promise<void> {
    const any: Selector<string>[] = [];
    for (let parts = this.#random.below(3) + 1; parts > 0; parts--) {
      any.push(this.#random.chance(0.4) ? this.key() : this.bounded());
    }
    const placesOf = (key: string): number[] =>
      [...any.entries()]
        .filter(([, part]) => (typeof part === 'string' ? part === key : within(part, key)))
        .map(([place]) => place);
    // A last change that lies in one of them ends the watch: whoever skips an event is found out, not waited for.
    const [part] = any;
    const last = typeof part === 'string' ? part : (part?.start ?? part?.prefix ?? 'a');
    equal((await kv.put(last, 'end')).revision, this.#model.write([{ key: last, value: 'end' }]), 'the last change');
    const from = Math.max(this.readable(), this.#model.compacted + 1);
    const wanted = this.#model
      .events({}, from)
      .filter(({ key }) => placesOf(key).length > 0)
      .map((event) => Object.assign(event, { ranges: placesOf(event.key) }));
    const found: KvEvent<string, string>[] = [];
    for await (const event of kv.watch({ any }, { from })) {
      found.push(event);
      if (event.revision >= this.#model.revision) break;
    }
    equal(found, wanted, `watch of ${JSON.stringify(any)} from ${from}`);
  }

  #filter(): RevisionFilter {
    const bound = (): number | undefined =>
      this.#random.chance(0.3) ? Math.max(this.#model.revision - this.#random.below(40), 1) : undefined;
    return {
      minModRevision: bound(),
      maxModRevision: bound(),
      minCreateRevision: bound(),
      maxCreateRevision: bound(),
    };
  }
}

function passes(filter: RevisionFilter, { modRevision, createRevision }: Entry<string, string>): boolean {
  const { minModRevision = 0, maxModRevision = Number.POSITIVE_INFINITY } = filter;
  const { minCreateRevision = 0, maxCreateRevision = Number.POSITIVE_INFINITY } = filter;
  return (
    minModRevision <= modRevision &&
    modRevision <= maxModRevision &&
    minCreateRevision <= createRevision &&
    createRevision <= maxCreateRevision
  );
}
