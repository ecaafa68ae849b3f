// @ts-check
/**
 * BoltDB files made from nothing, each of a shape that costs a careless reader its time or its memory. Checksums are right.
 */
import { BRANCH, bucketValue, FREELIST, LEAF, metaPage, pageRun, sealRun } from './bolt-format.mjs';

/** @typedef {import('../../run/random.mjs').Random} Random */
/** @typedef {import('./sparse-file.mjs').MadeFile} MadeFile */
/** @typedef {import('./bolt-format.mjs').Element} Element */

const NO_LIST = 0xffff_ffff_ffff_ffffn;

/** A file that is being put together. */
class Plan {
  /** @param {Random} random */
  constructor(random) {
    this.random = random;
    this.pageSize = random.pick([512, 1024, 4096, 4096, 4096, 16_384]);
    this.sealed = random.chance(0.6);
    /** @type {Map<number, Buffer>} */
    this.runs = new Map();
    this.next = 3;
    this.root = 2;
    /** @type {bigint | undefined} else what is made */
    this.highWater = undefined;
    /** @type {bigint | undefined} */
    this.freelist = undefined;
  }

  /** @param {number} [pages] */
  take(pages = 1) {
    const id = this.next;
    this.next += pages;
    return id;
  }

  /**
   * @param {number} id
   * @param {number} flags
   * @param {readonly Element[]} elements
   * @param {Parameters<typeof pageRun>[4]} [claims]
   */
  put(id, flags, elements, claims) {
    const run = pageRun(this.pageSize, BigInt(id), flags, elements, claims);
    this.runs.set(id, run);
    this.next = Math.max(this.next, id + run.length / this.pageSize);
    return id;
  }

  /** @param {readonly Element[]} elements @param {Parameters<typeof pageRun>[4]} [claims] */
  leaf(elements, claims) {
    return this.put(this.next, LEAF, elements, claims);
  }

  /** @returns {MadeFile} */
  file() {
    const { pageSize, sealed } = this;
    const list = this.freelist ?? this.#emptyList();
    const highWater = this.highWater ?? BigInt(this.next);
    /** @type {[number, Buffer][]} */
    const pieces = [];
    for (const [id, run] of this.runs) {
      if (sealed && run.length >= pageSize) sealRun(run, 2);
      pieces.push([id * pageSize, run]);
    }
    const fields = { pageSize, root: BigInt(this.root), freelist: list, highWater };
    const seals = sealed ? { sealedSince: 1n, sealedUpTo: 2n } : {};
    pieces.push([0, metaPage(0, { ...fields, ...seals, txid: 2n })]);
    pieces.push([pageSize, metaPage(1, { ...fields, ...seals, txid: 1n })]);
    return { pieces, size: this.next * pageSize };
  }

  #emptyList() {
    if (this.random.chance(0.4)) return NO_LIST;
    const id = this.take();
    const run = Buffer.alloc(this.pageSize);
    run.writeBigUInt64LE(BigInt(id), 0);
    run.writeUInt16LE(FREELIST, 8);
    this.runs.set(id, run);
    return BigInt(id);
  }
}

/** @param {string} name @param {number | bigint} root @returns {Element} */
function bucket(name, root) {
  return { key: name, value: bucketValue(BigInt(root)), flags: 1 };
}

/** @param {number} index */
function key(index) {
  return `k${String(index).padStart(6, '0')}`;
}

/** Names that a store has, so that whoever opens one goes on. @param {Plan} plan @param {number} root */
function storeOf(plan, root) {
  plan.put(plan.root, LEAF, [bucket('key', root), bucket('meta', root)].slice(0, plan.random.pick([1, 1, 2])));
}

/** @type {Readonly<Record<string, (plan: Plan) => void>>} */
export const shapes = {
  /** Every element is the whole data of the page. */
  overlap(plan) {
    const { random } = plan;
    const count = random.pick([2, 100, 5000, 65_535]);
    const bytes = random.pick([64, 4096, 1 << 20]);
    const start = 16 + count * 16;
    const pages = Math.ceil((start + bytes + 8) / plan.pageSize);
    const flags = random.pick([LEAF, LEAF, BRANCH]);
    const element =
      flags === LEAF
        ? { key: '', position: start, keyLength: 8, valueLength: bytes - 8 }
        : { key: '', position: start, keyLength: bytes, child: BigInt(plan.next) };
    const id = plan.put(
      plan.next,
      flags,
      Array.from({ length: count }, () => element),
      { pages },
    );
    storeOf(plan, id);
  },
  /** Values reach into the next element's key. */
  creeping(plan) {
    const count = plan.random.pick([3, 50, 1000]);
    const start = 16 + count * 16;
    const pages = Math.ceil((start + count * 9 + 1000) / plan.pageSize);
    const elements = Array.from({ length: count }, (_, index) => ({
      key: '',
      position: start + index * 8,
      keyLength: 8,
      valueLength: 1 + plan.random.below(900),
    }));
    const id = plan.leaf(elements, { pages });
    const run = /** @type {Buffer} */ (plan.runs.get(id));
    for (let index = 0; index < count; index += 1) run.write(key(index), start + index * 8);
    storeOf(plan, id);
  },
  /** A bucket whose root is the leaf that names it. */
  'own root'(plan) {
    const id = plan.next;
    plan.leaf([bucket('again', id), { key: 'k', value: 'v' }]);
    storeOf(plan, id);
    if (plan.random.chance(0.3)) plan.put(plan.root, LEAF, [bucket('key', plan.root), bucket('key2', plan.root)]);
  },
  /** Each leaf names the next one many times. */
  lattice(plan) {
    const levels = plan.random.pick([3, 12, 40]);
    const width = plan.random.pick([2, 8, 15]);
    const first = plan.next;
    for (let level = 0; level < levels; level += 1) {
      const next = level === levels - 1 ? undefined : plan.next + 1;
      plan.leaf(
        Array.from({ length: next === undefined ? 1 : width }, (_, i) =>
          next === undefined ? { key: 'k', value: 'v' } : bucket(key(i), next),
        ),
        { pages: 1 },
      );
    }
    storeOf(plan, first);
  },
  /** Thousands of buckets that are one tree. */
  'shared root'(plan) {
    const pairs = plan.leaf(
      Array.from({ length: 200 }, (_, i) => ({ key: key(i), value: Buffer.alloc(plan.random.pick([1, 5000]), 1) })),
    );
    const names = Array.from({ length: plan.random.pick([2, 5000, 60_000]) }, (_, i) => bucket(key(i), pairs));
    plan.root = plan.leaf([bucket('key', pairs), ...names].toSorted((a, b) => (a.key < b.key ? -1 : 1)));
  },
  /** A branch all of whose children are itself. */
  'own children'(plan) {
    const id = plan.next;
    const count = plan.random.pick([1, 2, 300, 65_535]);
    plan.put(
      id,
      BRANCH,
      Array.from({ length: count }, (_, i) => ({ key: key(i), child: BigInt(id) })),
    );
    storeOf(plan, id);
    if (plan.random.chance(0.3)) plan.root = id;
  },
  /** Branches whose children are all the next branch. */
  'branch lattice'(plan) {
    const levels = plan.random.pick([2, 20, 60]);
    const first = plan.next;
    for (let level = 0; level < levels; level += 1) {
      const child = BigInt(plan.next + 1);
      plan.put(
        plan.next,
        BRANCH,
        Array.from({ length: plan.random.pick([1, 2, 10]) }, (_, i) => ({ key: key(i), child })),
        { pages: 1 },
      );
    }
    plan.leaf([
      { key: key(5), value: 'v' },
      { key: key(1), value: 'w' },
    ]);
    storeOf(plan, first);
  },
  /** Two separators, one leaf. */
  'shared child'(plan) {
    const leaf = plan.leaf([
      { key: key(0), value: 'v' },
      { key: key(1), value: 'w' },
    ]);
    const branch = plan.put(plan.next, BRANCH, [
      { key: key(0), child: BigInt(leaf) },
      { key: key(1), child: BigInt(leaf) },
    ]);
    storeOf(plan, branch);
  },
  /** Buckets in buckets, thousands deep. */
  deep(plan) {
    const levels = plan.random.pick([100, 3000, 20_000]);
    plan.pageSize = 512;
    const first = plan.next;
    for (let level = 0; level < levels; level += 1) plan.leaf([bucket('b', plan.next + 1), { key: 'k', value: 'v' }]);
    plan.leaf([{ key: 'k', value: 'v' }]);
    storeOf(plan, first);
  },
  /** Inline buckets in inline buckets. */
  'deep inline'(plan) {
    let image = pageRun(plan.pageSize, 0n, LEAF, [{ key: 'k', value: 'v' }], { exact: true });
    const levels = plan.random.pick([1, 20, 500]);
    for (let level = 0; level < levels; level += 1)
      image = pageRun(plan.pageSize, 0n, LEAF, [{ key: 'b', value: bucketValue(0n, 0n, image), flags: 1 }], {
        exact: true,
      });
    plan.put(plan.root, LEAF, [{ key: 'key', value: bucketValue(0n, 0n, image), flags: 1 }], {});
    plan.next = Math.max(plan.next, 4);
  },
  /** Leaves whose continuation is other leaves. */
  'overlapping runs'(plan) {
    const pages = plan.random.pick([16, 200]);
    const first = plan.next;
    const names = [];
    for (let page = 0; page < pages; page += 1) {
      const left = (pages - page) * plan.pageSize;
      const id = plan.next;
      plan.leaf([{ key: key(page), value: '', valueLength: left - 16 - 16 - 7 - 8 }], {
        pages: 1,
        overflow: pages - page - 1,
      });
      names.push(bucket(key(page), id));
    }
    plan.sealed = false;
    plan.root = plan.leaf([...names, bucket('key', first)]);
  },
  /** Megabytes of free list, all of it holes. */
  'sparse free list'(plan) {
    const megabytes = plan.random.pick([1, 64, 256, 2000]);
    storeOf(plan, plan.leaf([{ key: 'k', value: 'v' }]));
    const id = plan.take();
    const pages = Math.floor((megabytes << 20) / plan.pageSize);
    const run = Buffer.alloc(plan.pageSize);
    run.writeBigUInt64LE(BigInt(id), 0);
    run.writeUInt16LE(FREELIST, 8);
    run.writeUInt16LE(0xffff, 10);
    run.writeUInt32LE(pages - 1, 12);
    run.writeBigUInt64LE(BigInt(Math.floor((pages * plan.pageSize - 24) / 8)), 16);
    for (let at = 24; at < run.length - 8 && plan.random.chance(0.9); at += 8)
      run.writeBigUInt64LE(BigInt(id + pages + at), at);
    plan.runs.set(id, run);
    plan.freelist = BigInt(id);
    plan.next += pages - 1 + 10_000;
    plan.sealed = false;
  },
  /** A page that claims gigabytes of continuation. */
  'giant overflow'(plan) {
    const overflow = plan.random.pick([1000, 65_536, 2 ** 22, 2 ** 31, 2 ** 32 - 2]);
    const id = plan.leaf([{ key: 'k', value: 'v' }], { pages: 1, overflow });
    storeOf(plan, id);
    if (plan.random.chance(0.3)) plan.root = id;
    plan.next = Math.min(id + overflow + 2, Math.floor(2 ** 42 / plan.pageSize));
    plan.sealed = false;
  },
  /** A value of holes. */
  'giant value'(plan) {
    const megabytes = plan.random.pick([1, 16, 64, 128]);
    const pages = Math.ceil(((megabytes << 20) + 100) / plan.pageSize);
    const id = plan.leaf([{ key: 'k', value: '', valueLength: megabytes << 20 }], { pages: 1, overflow: pages - 1 });
    storeOf(plan, id);
    plan.next = id + pages;
    plan.sealed = false;
  },
  /** Values that no memory holds. */
  'monstrous values'(plan) {
    const each = plan.random.pick([2 ** 31 - 2, 2 ** 31 + 5, 2 ** 32 - 1]);
    const count = plan.random.pick([2, 4, 100]);
    const start = 16 + 16 * count;
    const pages = Math.ceil((start + count * (each + 8)) / plan.pageSize) + 1;
    const elements = Array.from({ length: count }, (_, i) => ({
      key: '',
      position: start + i * (each + 8),
      keyLength: 8,
      valueLength: each,
    }));
    for (const [i, element] of elements.entries())
      if (element.position - 16 - i * 16 >= 2 ** 32) elements.length = Math.min(elements.length, i);
    const id = plan.leaf(elements, { pages: 1, overflow: Math.min(pages - 1, 2 ** 32 - 1) });
    storeOf(plan, id);
    plan.next = id + pages;
    plan.sealed = false;
  },
  /** Pages without end, none of them written. */
  'giant file'(plan) {
    storeOf(plan, plan.leaf([{ key: 'k', value: 'v' }]));
    if (plan.random.chance(0.5)) plan.freelist = NO_LIST;
    else plan.freelist = plan.random.pick([undefined, BigInt(plan.next)]);
    const pages = Math.floor(plan.random.pick([2 ** 30, 2 ** 36, 2 ** 40, 2 ** 43]) / plan.pageSize);
    plan.next = Math.max(plan.next + 1, pages);
  },
  /** Ids that no number holds. */
  'huge ids'(plan) {
    const id = plan.random.pick([2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 64n - 2n]);
    const branch = plan.put(plan.next, BRANCH, [
      { key: 'a', child: id },
      { key: 'b', child: id - 1n },
    ]);
    storeOf(plan, branch);
    if (plan.random.chance(0.5)) plan.put(plan.root, LEAF, [bucket('key', id), bucket('key3', id - 1n)]);
    if (plan.random.chance(0.3)) plan.freelist = id;
    if (plan.random.chance(0.2)) plan.highWater = id;
  },
  /** Keys in the wrong order, doubled, or longer than a key can be. */
  'bad keys'(plan) {
    const { random } = plan;
    const kind = random.below(4);
    const elements = Array.from({ length: 40 }, (_, i) => ({ key: key(i), value: 'v'.repeat(random.below(50)) }));
    if (kind === 0) elements.reverse();
    if (kind === 1) elements[7] = { key: key(8), value: '' };
    if (kind === 2) elements[39] = { key: 'l'.repeat(random.pick([32_768, 32_769, 70_000])), value: '' };
    if (kind === 3) elements[0] = { key: '', value: 'x' };
    const first = plan.leaf(elements);
    const leaves = [first];
    while (leaves.length < 4) leaves.push(random.chance(0.5) ? first : plan.leaf(elements));
    const branch = plan.put(
      plan.next,
      BRANCH,
      leaves.map((leaf, i) => ({ key: key(i), child: BigInt(leaf) })),
    );
    storeOf(plan, random.chance(0.5) ? branch : first);
  },
  /** Names that a terminal obeys. */
  escapes(plan) {
    const leaf = plan.leaf([
      { key: '\u001b]0;x\u0007', value: '\u001b[2J\r\n' },
      { key: '\u009b2J', value: '\u202e' },
    ]);
    plan.put(plan.root, LEAF, [bucket('\u001b[31mred', leaf), bucket('key', leaf)]);
  },
  /** Many small buckets. */
  'many buckets'(plan) {
    const inline = pageRun(plan.pageSize, 0n, LEAF, [{ key: 'k', value: 'v' }], { exact: true });
    const count = plan.random.pick([100, 3000]);
    plan.root = plan.leaf([
      { key: 'key', value: bucketValue(0n, 2n ** 64n - 1n, inline), flags: 1 },
      ...Array.from({ length: count }, (_, i) => ({ key: `x${key(i)}`, value: bucketValue(0n, 0n, inline), flags: 1 })),
    ]);
  },
};

/**
 * @param {Random} random
 * @returns {{ what: string, file: MadeFile }}
 */
export function makeShape(random) {
  const name = random.pick(Object.keys(shapes));
  const plan = new Plan(random);
  plan.put(plan.root, LEAF, []);
  shapes[name]?.(plan);
  const file = plan.file();
  return { what: `${name} (pages of ${plan.pageSize}${plan.sealed ? ', sealed' : ''})`, file };
}
