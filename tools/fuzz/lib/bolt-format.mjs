// @ts-check
/**
 * As much of the BoltDB format as it takes to write any nonsense with right checksums. On purpose not the package's own
 * code: what makes the files must not share the mistakes of what reads them.
 */

export const HEADER = 16;
export const ELEMENT = 16;
export const BRANCH = 1;
export const LEAF = 2;
export const FREELIST = 16;
const MAGIC = 0xed0cdaed;
const EXTENSION = 80;
const EXTENSION_TAG = 0x63765f76;
const U64 = 0xffff_ffff_ffff_ffffn;

const table = Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit += 1) sum = sum & 1 ? (sum >>> 1) ^ 0x82f63b78 : sum >>> 1;
  return sum >>> 0;
});

/** CRC-32C. @param {Uint8Array} bytes */
export function crc32c(bytes) {
  let sum = 0xffff_ffff;
  for (const byte of bytes) sum = (sum >>> 8) ^ (table[(sum ^ byte) & 0xff] ?? 0);
  return ~sum >>> 0;
}

/** @param {Uint8Array} bytes */
function fnv1a(bytes) {
  let sum = 0xcbf2_9ce4_8422_2325n;
  for (const byte of bytes) sum = ((sum ^ BigInt(byte)) * 0x100_0000_01b3n) & U64;
  return sum;
}

/**
 * @typedef {object} MetaFields
 * @property {number} pageSize
 * @property {bigint} root
 * @property {bigint} freelist
 * @property {bigint} highWater
 * @property {bigint} txid
 * @property {bigint} [sequence]
 * @property {bigint} [sealedSince] absent: no seals
 * @property {bigint} [sealedUpTo]
 */

/** A meta page. @param {number} id @param {MetaFields} fields */
export function metaPage(id, fields) {
  const page = Buffer.alloc(fields.pageSize);
  page.writeBigUInt64LE(BigInt(id), 0);
  page.writeUInt16LE(4, 8);
  page.writeUInt32LE(MAGIC, 16);
  page.writeUInt32LE(2, 20);
  page.writeUInt32LE(fields.pageSize, 24);
  page.writeBigUInt64LE(fields.root, 32);
  page.writeBigUInt64LE(fields.sequence ?? 0n, 40);
  page.writeBigUInt64LE(fields.freelist, 48);
  page.writeBigUInt64LE(fields.highWater, 56);
  page.writeBigUInt64LE(fields.txid, 64);
  if (fields.sealedSince !== undefined) {
    page.writeUInt32LE(EXTENSION_TAG, EXTENSION);
    page.writeBigUInt64LE(fields.sealedSince, EXTENSION + 8);
    page.writeBigUInt64LE(fields.sealedUpTo ?? fields.txid, EXTENSION + 16);
  }
  sumMeta(page);
  return page;
}

/** Makes the checksums of a meta page right. @param {Buffer} page */
export function sumMeta(page) {
  page.writeBigUInt64LE(fnv1a(page.subarray(HEADER, HEADER + 56)), 72);
  if (page.readUInt32LE(EXTENSION) === EXTENSION_TAG)
    page.writeUInt32LE(crc32c(page.subarray(HEADER, EXTENSION + 24)), EXTENSION + 24);
}

/** Makes the seal of a run right. @param {Buffer} run @param {number} [txid] else the one that is there */
export function sealRun(run, txid) {
  if (txid !== undefined) run.writeUInt32LE(txid >>> 0, run.length - 8);
  run.writeUInt32LE(crc32c(run.subarray(0, run.length - 4)), run.length - 4);
}

/**
 * @typedef {object} Element
 * @property {Uint8Array | string} key
 * @property {Uint8Array | string} [value]
 * @property {number} [flags]
 * @property {bigint} [child] of a branch
 * @property {number} [position] where the key starts in the page, instead of behind what came before
 * @property {number} [keyLength] claimed
 * @property {number} [valueLength] claimed
 */

/**
 * The image of a page run, of `pages` pages if that is more than it needs.
 * @param {number} pageSize
 * @param {bigint} id
 * @param {number} flags
 * @param {readonly Element[]} elements
 * @param {{ pages?: number, overflow?: number, count?: number, exact?: boolean }} [claims]
 */
export function pageRun(pageSize, id, flags, elements, claims = {}) {
  const leaf = flags === LEAF;
  let data = HEADER + elements.length * ELEMENT;
  const placed = elements.map((element) => {
    const key = Buffer.from(element.key);
    const value = Buffer.from(leaf ? (element.value ?? '') : '');
    const at = element.position ?? data;
    if (element.position === undefined) data += key.length + value.length;
    return { ...element, key, value, at };
  });
  const pages = claims.pages ?? Math.max(1, Math.ceil((data + 8) / pageSize));
  const run = Buffer.alloc(claims.exact === true ? data : pages * pageSize);
  run.writeBigUInt64LE(id, 0);
  run.writeUInt16LE(flags, 8);
  run.writeUInt16LE(claims.count ?? elements.length, 10);
  run.writeUInt32LE(claims.overflow ?? (claims.exact === true ? 0 : pages - 1), 12);
  for (const [index, element] of placed.entries()) {
    const at = HEADER + index * ELEMENT;
    const position = (element.at - at) >>> 0;
    if (leaf) {
      run.writeUInt32LE(element.flags ?? 0, at);
      run.writeUInt32LE(position, at + 4);
      run.writeUInt32LE(element.keyLength ?? element.key.length, at + 8);
      run.writeUInt32LE(element.valueLength ?? element.value.length, at + 12);
    } else {
      run.writeUInt32LE(position, at);
      run.writeUInt32LE(element.keyLength ?? element.key.length, at + 4);
      run.writeBigUInt64LE(element.child ?? 0n, at + 8);
    }
    if (element.position === undefined) {
      element.key.copy(run, element.at);
      element.value.copy(run, element.at + element.key.length);
    }
  }
  return run;
}

/** A bucket's value. @param {bigint} root @param {bigint} [sequence] @param {Uint8Array} [inline] the image of its page */
export function bucketValue(root, sequence = 0n, inline = Buffer.alloc(0)) {
  const value = Buffer.alloc(16 + inline.length);
  value.writeBigUInt64LE(root, 0);
  value.writeBigUInt64LE(sequence, 8);
  value.set(inline, 16);
  return value;
}
