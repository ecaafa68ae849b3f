// @ts-check
/** Bytes that were right once: arbitraries of fast-check over samples, each damaged a few times. */
import fc from 'fast-check';

/**
 * @typedef {{ readonly kind: string, readonly at: number, readonly length: number, readonly bytes: Uint8Array }} Damage
 */

/** @type {fc.Arbitrary<Damage>} */
const damage = fc.record({
  kind: fc.constantFrom('bit', 'byte', 'cut', 'remove', 'insert', 'repeat', 'swap', 'number'),
  at: fc.nat(),
  length: fc.integer({ min: 1, max: 64 }),
  bytes: fc.uint8Array({ minLength: 1, maxLength: 16 }),
});

/** Lengths, counts and offsets at which decoders go wrong, in the encodings that they have. */
const numbers = [
  [0xff, 0xff, 0xff, 0xff],
  [0x7f, 0xff, 0xff, 0xff],
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
  [0, 0, 0, 0, 0, 0, 0, 0x80],
];

/** @param {Buffer} bytes @param {Damage} damage @returns {Buffer} */
function damaged(bytes, { kind, at: place, length, bytes: given }) {
  const at = bytes.length === 0 ? 0 : place % bytes.length;
  const [before, there, after] = [
    bytes.subarray(0, at),
    bytes.subarray(at, at + length),
    bytes.subarray(Math.min(bytes.length, at + length)),
  ];
  switch (kind) {
    case 'bit':
    case 'byte': {
      const copy = Buffer.from(bytes);
      if (copy.length > 0) copy[at] = kind === 'bit' ? (copy[at] ?? 0) ^ (1 << (length % 8)) : (given[0] ?? 0);
      return copy;
    }
    case 'cut':
      return Buffer.from(before);
    case 'remove':
      return Buffer.concat([before, after]);
    case 'insert':
      return Buffer.concat([before, given, bytes.subarray(at)]);
    case 'repeat':
      return Buffer.concat([before, ...Array.from({ length: 1 + (length % 8) }, () => there), bytes.subarray(at)]);
    case 'swap':
      return Buffer.concat([after, there, before]);
    default:
      return Buffer.concat([before, Buffer.from(numbers[length % numbers.length] ?? []), bytes.subarray(at)]);
  }
}

/** A sample, damaged up to six times; now and then noise. @param {readonly Buffer[]} samples @returns {fc.Arbitrary<Buffer>} */
export function mutated(samples) {
  const made = fc
    .tuple(fc.nat(samples.length - 1), fc.array(damage, { maxLength: 6 }))
    .map(([at, all]) => all.reduce(damaged, samples[at] ?? Buffer.alloc(0)));
  const noise = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
  return fc.oneof({ weight: 9, arbitrary: made }, { weight: 1, arbitrary: noise });
}
