// @ts-check
/**
 * LevelDB folders made to do harm: other things than files at every name, whether it is used already or will be, and files
 * whose contents were changed with right checksums.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32c } from './bolt-format.mjs';

/** @typedef {import('../../run/random.mjs').Random} Random */

const BLOCK = 32_768;

/**
 * @param {ReadonlyMap<string, Buffer>} base
 * @param {string} folder to be made
 * @param {string} outside a folder with `file`, `folder` and nothing at `nothing`
 * @param {Random} random
 * @returns {string} what was made
 */
export function makeFolder(base, folder, outside, random) {
  mkdirSync(folder);
  const files = new Map([...base].map(([name, bytes]) => [name, Buffer.from(bytes)]));
  const done = [];
  for (let left = 1 + random.below(3); left > 0; left -= 1)
    done.push(random.chance(0.6) ? 'special' : harmFile(files, random));
  for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes, { mode: 0o600 });
  return done
    .map((step) => (step === 'special' ? makeSpecial(folder, [...base.keys()], outside, random) : step))
    .join(', ');
}

/** Something that is no file, at a name of the store. @param {string} folder @param {readonly string[]} used @param {string} outside @param {Random} random */
function makeSpecial(folder, used, outside, random) {
  const numbers = used.map((name) => Number(/\d{6}/.exec(name)?.[0] ?? 0));
  const next = Math.max(...numbers) + random.below(6);
  const number = String(next).padStart(6, '0');
  const fresh = [
    `MANIFEST-${number}`,
    `${number}.log`,
    `${number}.ldb`,
    `${number}.sst`,
    `${number}.dbtmp`,
    'LOG.old',
    'SEQUENCE',
    'varve.json',
    'lost',
    'x.tmp',
  ];
  const name = random.pick([...used, ...fresh, ...fresh]);
  const path = join(folder, name);
  const kind = random.pick([
    'link to a file',
    'link to a folder',
    'link to nothing',
    'link to itself',
    'link to a device',
    'hard link',
    'FIFO',
    'folder',
    'device',
    'link up',
  ]);
  rmSync(path, { recursive: true, force: true }); // what an earlier step made there, a dangling link too
  if (kind === 'link to a file') symlinkSync(join(outside, 'file'), path);
  else if (kind === 'link to a folder') symlinkSync(join(outside, 'folder'), path);
  else if (kind === 'link to nothing') symlinkSync(join(outside, 'nothing'), path);
  else if (kind === 'link to itself') symlinkSync(name, path);
  else if (kind === 'link to a device') symlinkSync(random.pick(['/dev/zero', '/dev/null', '/dev/full']), path);
  else if (kind === 'link up') symlinkSync('..', path);
  else if (kind === 'hard link') spawnSync('ln', [join(outside, 'file'), path]);
  else if (kind === 'FIFO') spawnSync('mkfifo', [path]);
  else if (kind === 'folder') mkdirSync(path);
  else spawnSync('mknod', [path, 'c', '1', '5']);
  return `${kind} at ${name}`;
}

/** @param {Map<string, Buffer>} files @param {Random} random */
function harmFile(files, random) {
  const name = random.pick([...files.keys()]);
  const bytes = /** @type {Buffer} */ (files.get(name));
  const kind = random.pick(['cut', 'grown', 'bits', 'record', 'record', 'numbers', 'missing', 'emptied', 'other']);
  if (kind === 'missing') files.delete(name);
  else if (kind === 'emptied') files.set(name, Buffer.alloc(0));
  else if (kind === 'cut') files.set(name, bytes.subarray(0, random.below(bytes.length + 1)));
  else if (kind === 'grown')
    files.set(name, Buffer.concat([bytes, Buffer.alloc(random.pick([1, BLOCK, 3_000_000]), random.below(256))]));
  else if (kind === 'other') files.set(name, /** @type {Buffer} */ (files.get(random.pick([...files.keys()]))));
  else if (bytes.length === 0) return `nothing in ${name}`;
  else if (kind === 'bits')
    for (let left = 8; left > 0; left -= 1) bytes.writeUInt8(random.below(256), random.below(bytes.length));
  else if (kind === 'numbers')
    for (let left = 3; left > 0 && bytes.length > 4; left -= 1)
      bytes.writeUInt32LE(random.pick([0, 1, 0x7fff_ffff, 0xffff_ffff]), random.below(bytes.length - 4));
  else harmRecord(bytes, random);
  return `${kind} in ${name}`;
}

/** Changes a record of a log or a MANIFEST, and makes its checksum right. @param {Buffer} bytes @param {Random} random */
function harmRecord(bytes, random) {
  const starts = [];
  for (let at = 0; at + 7 < bytes.length;) {
    const left = BLOCK - (at % BLOCK);
    if (left < 7) {
      at += left;
      continue;
    }
    const length = bytes.readUInt16LE(at + 4);
    if (at + 7 + length > bytes.length) break;
    starts.push({ at, length });
    at += 7 + length;
  }
  if (starts.length === 0) return;
  const { at, length } = random.pick(starts);
  for (let left = 1 + random.below(4); left > 0 && length > 0; left -= 1)
    bytes.writeUInt8(random.pick([0, 1, 127, 128, 255, random.below(256)]), at + 7 + random.below(length));
  const sum = crc32c(bytes.subarray(at + 6, at + 7 + length));
  bytes.writeUInt32LE((((sum >>> 15) | (sum << 17)) + 0xa282_ead8) >>> 0, at);
}
