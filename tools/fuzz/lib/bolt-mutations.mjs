// @ts-check
/**
 * Harm done to a good BoltDB file, field by field. Afterwards checksums are mostly made right again, so that what is behind
 * them is met.
 */
import { HEADER, ELEMENT, BRANCH, LEAF, FREELIST, sealRun, sumMeta } from './bolt-format.mjs';

/** @typedef {import('../../run/random.mjs').Random} Random */
/** @typedef {{ id: number, at: number, type: number, count: number, pages: number }} Run */

/** A file under the knife. */
class Patient {
  /** @param {Buffer} bytes @param {Random} random */
  constructor(bytes, random) {
    this.bytes = bytes;
    this.random = random;
    this.pageSize = bytes.readUInt32LE(24);
    /** @type {Set<Run>} */
    this.touched = new Set();
    /** @type {Run[]} */
    this.runs = [];
    this.size = bytes.length;
    for (let id = 2; (id + 1) * this.pageSize <= bytes.length;) {
      const at = id * this.pageSize;
      const type = bytes.readUInt16LE(at + 8);
      const pages = bytes.readUInt32LE(at + 12) + 1;
      const isRun = Number(bytes.readBigUInt64LE(at)) === id && [BRANCH, LEAF, FREELIST].includes(type);
      const fits = isRun && (id + pages) * this.pageSize <= bytes.length;
      if (fits) this.runs.push({ id, at, type, count: bytes.readUInt16LE(at + 10), pages });
      id += fits ? pages : 1;
    }
  }

  /** @param {number[]} types */
  run(types) {
    const runs = this.runs.filter(({ type, count }) => types.includes(type) && (count > 0 || type === FREELIST));
    const run = runs.length === 0 ? undefined : this.random.pick(runs);
    if (run !== undefined) this.touched.add(run);
    return run;
  }

  /** A page number that is right, nearly right, or wrong. @param {number} self */
  page(self) {
    const { random } = this;
    const pages = Math.floor(this.bytes.length / this.pageSize);
    const known = this.runs.length === 0 ? 2 : random.pick(this.runs).id;
    return random.pick([
      BigInt(self),
      BigInt(known),
      BigInt(known),
      BigInt(random.below(pages + 2)),
      0n,
      1n,
      BigInt(pages),
      2n ** 53n + 1n,
      2n ** 64n - 1n,
    ]);
  }

  /** A 32-bit number near what is there, or at an end. @param {number} at */
  odd(at) {
    const { random, bytes } = this;
    const now = bytes.readUInt32LE(at);
    return (
      random.pick([
        0,
        1,
        now + 1,
        now - 1,
        now + 16,
        now - 16,
        now * 2,
        this.pageSize,
        0x7fff_ffff,
        0xffff_ffff,
        random.below(5000),
      ]) >>> 0
    );
  }
}

/** @type {Readonly<Record<string, (patient: Patient) => void>>} */
const operations = {
  'element field'(patient) {
    const run = patient.run([BRANCH, LEAF]);
    if (run === undefined) return;
    const field =
      run.at + HEADER + patient.random.below(run.count) * ELEMENT + 4 * patient.random.below(run.type === LEAF ? 4 : 2);
    if (field + 4 <= patient.bytes.length) patient.bytes.writeUInt32LE(patient.odd(field), field);
  },
  'element copied'(patient) {
    const run = patient.run([BRANCH, LEAF]);
    if (run === undefined || run.count < 2) return;
    const from = run.at + HEADER + patient.random.below(run.count) * ELEMENT;
    const to = run.at + HEADER + patient.random.below(run.count) * ELEMENT;
    const element = Buffer.from(patient.bytes.subarray(from, from + ELEMENT));
    // Positions count from the element: moved, it points to the same bytes only when that is made good.
    if (patient.random.chance(0.7)) {
      const at = run.type === LEAF ? 4 : 0;
      element.writeUInt32LE((element.readUInt32LE(at) + from - to) >>> 0, at);
    }
    patient.bytes.set(element, to);
  },
  'elements overlap'(patient) {
    const run = patient.run([LEAF]);
    if (run === undefined) return;
    const start = HEADER + run.count * ELEMENT;
    for (let index = 0; index < run.count; index += 1) {
      const at = run.at + HEADER + index * ELEMENT;
      patient.bytes.writeUInt32LE((start - HEADER - index * ELEMENT) >>> 0, at + 4);
      patient.bytes.writeUInt32LE(8, at + 8);
      patient.bytes.writeUInt32LE(Math.max(0, run.pages * patient.pageSize - start - 16), at + 12);
    }
  },
  count(patient) {
    const run = patient.run([BRANCH, LEAF, FREELIST]);
    if (run === undefined) return;
    patient.bytes.writeUInt16LE(
      patient.random.pick([0, 1, run.count + 1, Math.max(0, run.count - 1), 0xfffe, 0xffff]),
      run.at + 10,
    );
  },
  overflow(patient) {
    const run = patient.run([BRANCH, LEAF, FREELIST]);
    if (run === undefined) return;
    patient.bytes.writeUInt32LE(
      patient.random.pick([
        0,
        1,
        run.pages,
        run.pages + 1,
        Math.floor(patient.bytes.length / patient.pageSize) - run.id - 1,
        0x7fff_ffff,
        0xffff_ffff,
      ]),
      run.at + 12,
    );
  },
  header(patient) {
    const run = patient.run([BRANCH, LEAF, FREELIST]);
    if (run === undefined) return;
    if (patient.random.chance(0.5)) patient.bytes.writeBigUInt64LE(patient.page(run.id), run.at);
    else patient.bytes.writeUInt16LE(patient.random.pick([0, 1, 2, 3, 4, 0x10, 0x12, 0xffff]), run.at + 8);
  },
  child(patient) {
    const run = patient.run([BRANCH]);
    if (run === undefined) return;
    const every = patient.random.chance(0.3);
    const page = patient.page(run.id);
    for (let index = every ? 0 : patient.random.below(run.count); index < run.count; index += every ? 1 : run.count)
      patient.bytes.writeBigUInt64LE(page, run.at + HEADER + index * ELEMENT + 8);
  },
  'bucket root'(patient) {
    const run = patient.run([LEAF]);
    if (run === undefined) return;
    for (let index = 0; index < run.count; index += 1) {
      const at = run.at + HEADER + index * ELEMENT;
      const value = at + patient.bytes.readUInt32LE(at + 4) + patient.bytes.readUInt32LE(at + 8);
      if (patient.bytes.readUInt32LE(at) !== 1 || value + 16 > patient.bytes.length || patient.random.chance(0.4))
        continue;
      patient.bytes.writeBigUInt64LE(patient.page(run.id), value + (patient.random.chance(0.9) ? 0 : 8));
    }
  },
  'bucket flag'(patient) {
    const run = patient.run([LEAF]);
    if (run === undefined) return;
    patient.bytes.writeUInt32LE(
      patient.random.pick([0, 1, 1, 2]),
      run.at + HEADER + patient.random.below(run.count) * ELEMENT,
    );
  },
  'inline image'(patient) {
    const run = patient.run([LEAF]);
    if (run === undefined) return;
    for (let index = 0; index < run.count; index += 1) {
      const at = run.at + HEADER + index * ELEMENT;
      const value = at + patient.bytes.readUInt32LE(at + 4) + patient.bytes.readUInt32LE(at + 8);
      const length = patient.bytes.readUInt32LE(at + 12);
      if (patient.bytes.readUInt32LE(at) !== 1 || length <= 32 || value + length > patient.bytes.length) continue;
      const field = value + 16 + 4 * patient.random.below(Math.floor((length - 16) / 4));
      patient.bytes.writeUInt32LE(patient.odd(field), field);
    }
  },
  'free list'(patient) {
    const run = patient.run([FREELIST]);
    if (run === undefined) return;
    const count = 1 + patient.random.below(Math.floor((run.pages * patient.pageSize - HEADER - 8) / 8));
    patient.bytes.writeUInt16LE(count, run.at + 10);
    for (let index = 0; index < count; index += 1)
      patient.bytes.writeBigUInt64LE(
        patient.random.chance(0.8)
          ? BigInt(2 + patient.random.below(patient.bytes.length / patient.pageSize))
          : patient.page(run.id),
        run.at + HEADER + 8 * index,
      );
  },
  'page copied'(patient) {
    const from = patient.run([BRANCH, LEAF]);
    const to = patient.run([BRANCH, LEAF]);
    if (from === undefined || to === undefined) return;
    patient.bytes.copy(patient.bytes, to.at, from.at, from.at + patient.pageSize);
    if (patient.random.chance(0.8)) patient.bytes.writeBigUInt64LE(BigInt(to.id), to.at);
  },
  meta(patient) {
    const { random, bytes } = patient;
    for (const page of random.pick([[0], [1], [0, 1]])) {
      const at =
        page * patient.pageSize + random.pick([16, 20, 24, 28, 32, 32, 40, 48, 48, 56, 56, 64, 64, 80, 88, 96]);
      if (random.chance(0.5)) bytes.writeBigUInt64LE(patient.page(page), at);
      else bytes.writeUInt32LE(patient.odd(at), at);
    }
  },
  length(patient) {
    const { random } = patient;
    const grown = random.pick([patient.bytes.length + patient.pageSize, 2 ** 30, 2 ** 38, 2 ** 42]);
    patient.size = random.chance(0.3) ? random.below(patient.bytes.length) : grown;
    if (patient.size < patient.bytes.length || random.chance(0.3)) return;
    const pages = BigInt(Math.floor(patient.size / patient.pageSize));
    for (const page of random.pick([[0], [1], [0, 1]]))
      patient.bytes.writeBigUInt64LE(pages, page * patient.pageSize + 56);
  },
  bits(patient) {
    for (let flips = 1 + patient.random.below(8); flips > 0; flips -= 1) {
      const at = patient.random.below(patient.bytes.length);
      patient.bytes.writeUInt8(patient.bytes.readUInt8(at) ^ (1 << patient.random.below(8)), at);
    }
  },
};

/**
 * @param {Buffer} original is left as it is
 * @param {Random} random
 * @returns {{ what: string, file: import('./sparse-file.mjs').MadeFile }}
 */
export function mutate(original, random) {
  const patient = new Patient(Buffer.from(original), random);
  const done = [];
  for (let left = 1 + random.below(4); left > 0; left -= 1) {
    const name = random.pick(Object.keys(operations));
    operations[name]?.(patient);
    done.push(name);
  }
  const mended = random.chance(0.85);
  if (mended) mend(patient);
  const { bytes, size } = patient;
  const pieces = /** @type {const} */ ([[0, size < bytes.length ? bytes.subarray(0, size) : bytes]]);
  return { what: `${done.join(', ')}${mended ? '' : ', checksums left wrong'}`, file: { pieces, size } };
}

/** Makes the sums of what was touched right, where there were some. @param {Patient} patient */
function mend({ bytes, pageSize, touched }) {
  for (const { at, pages } of touched) {
    const run = bytes.subarray(at, at + pages * pageSize);
    if (run.readUInt32LE(run.length - 4) !== 0) sealRun(run);
    const now = (bytes.readUInt32LE(at + 12) + 1) * pageSize;
    // Under the length it claims now, it has another seal.
    if (now !== run.length && at + now <= bytes.length && now > 16) sealRun(bytes.subarray(at, at + now));
  }
  for (const page of [0, 1]) sumMeta(bytes.subarray(page * pageSize, (page + 1) * pageSize));
}
