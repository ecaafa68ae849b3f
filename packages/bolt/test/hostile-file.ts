/** BoltDB files of any shape, made from nothing, with right checksums: what a stranger could send. */
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { viewOf } from '../src/format/bytes.ts';
import { crc32cOf } from '@varve/base/crc32c';
import { encodeMeta, NO_SEALS } from '../src/format/meta.ts';

export const [BRANCH, LEAF, FREELIST] = [1, 2, 16];

/** An element as it is to stand in the file, true or not. */
export interface Element {
  readonly key?: string | Uint8Array;
  readonly value?: string | Uint8Array;
  readonly bucket?: boolean;
  readonly child?: bigint;
  /** Where its data starts in the page; else behind what came before. */
  readonly at?: number;
  readonly keyLength?: number;
  readonly valueLength?: number;
}

/** What a page's header claims. */
export interface Claims {
  readonly pages?: number;
  readonly overflow?: number;
  /** No longer than its contents: for inline buckets. */
  readonly exact?: boolean;
}

export function pageRun(id: number, type: number, elements: readonly Element[], claims: Claims = {}): Buffer {
  const leaf = type === LEAF;
  let end = 16 + 16 * elements.length;
  const placed = elements.map((element) => {
    const [key, value] = [Buffer.from(element.key ?? ''), Buffer.from(element.value ?? '')];
    const at = element.at ?? end;
    if (element.at === undefined) end += key.length + value.length;
    return { element, key, value, at };
  });
  const pages = claims.pages ?? Math.ceil((end + 8) / 4096);
  const run = Buffer.alloc(claims.exact === true ? end : pages * 4096);
  run.writeBigUInt64LE(BigInt(id), 0);
  run.writeUInt16LE(type, 8);
  run.writeUInt16LE(elements.length, 10);
  run.writeUInt32LE(claims.exact === true ? 0 : (claims.overflow ?? pages - 1), 12);
  for (const [index, { element, key, value, at }] of placed.entries()) {
    const place = 16 + 16 * index;
    const field = leaf ? place + 4 : place;
    run.writeUInt32LE((at - place) >>> 0, field);
    run.writeUInt32LE(element.keyLength ?? key.length, field + 4);
    if (leaf) {
      run.writeUInt32LE(element.bucket === true ? 1 : 0, place);
      run.writeUInt32LE(element.valueLength ?? value.length, place + 12);
    } else run.writeBigUInt64LE(element.child ?? 0n, place + 8);
    if (element.at !== undefined) continue;
    key.copy(run, at);
    value.copy(run, at + key.length);
  }
  return run;
}

/** An entry that is a bucket with this root page, or with this image inside. */
export function bucket(name: string, root: number | bigint, image: Uint8Array = Buffer.alloc(0)): Element {
  const value = Buffer.alloc(16 + image.length);
  value.writeBigUInt64LE(BigInt(root), 0);
  value.set(image, 16);
  return { key: name, value, bucket: true };
}

/** A page of free ids, in the long form. */
export function listRun(id: number, pages: number, count: number): Buffer {
  const run = Buffer.alloc(4096);
  run.writeBigUInt64LE(BigInt(id), 0);
  run.writeUInt16LE(FREELIST, 8);
  run.writeUInt16LE(0xffff, 10);
  run.writeUInt32LE(pages - 1, 12);
  run.writeBigUInt64LE(BigInt(count), 16);
  return run;
}

/** What the file is to be like. */
export interface Shape {
  /** By page. The root bucket's page is 2. */
  readonly runs: Readonly<Record<number, Buffer>>;
  /** Pages in use, and in the file. */
  readonly pages: number;
  readonly freelist?: number;
  readonly sealed?: boolean;
  readonly txid?: number;
  /** The other meta page says so. */
  readonly older?: { readonly highWater?: number; readonly freelist?: number };
}

/** A seal as earlier releases wrote it: right, and vouching for nothing. */
function sealAlone(run: Buffer, txid: number): void {
  run.writeUInt32LE(txid, run.length - 8);
  run.writeUInt32LE(crc32cOf(run, 0, run.length - 4, 0, viewOf(run)), run.length - 4);
}

/** Writes the file; what no run covers is a hole. */
export function writeShape(path: string, shape: Shape): string {
  const { pages, freelist, sealed = false, txid = 3 } = shape;
  const file = openSync(path, 'w');
  try {
    for (const [id, run] of Object.entries(shape.runs)) {
      if (sealed) sealAlone(run, txid);
      writeSync(file, run, 0, run.length, Number(id) * 4096);
    }
    const seals = sealed ? { ...NO_SEALS, sealedSince: 1, sealedUpTo: txid } : NO_SEALS;
    const meta = { pageSize: 4096, root: 2, sequence: 0n, freelist, highWater: pages, txid, ...seals };
    const metas = [Buffer.alloc(4096), Buffer.alloc(4096)] as const;
    encodeMeta(metas[0], 0, meta);
    encodeMeta(metas[1], 1, { ...meta, ...shape.older, txid: txid - 1 });
    for (const [page, bytes] of metas.entries()) writeSync(file, bytes, 0, 4096, page * 4096);
    ftruncateSync(file, pages * 4096);
  } finally {
    closeSync(file);
  }
  return path;
}

/** A file with one top-level bucket `b` whose root is page 3. */
export function oneBucket(run: Buffer, more: Omit<Shape, 'runs' | 'pages'> = {}): Shape {
  return {
    runs: { 2: pageRun(2, LEAF, [bucket('b', 3)]), 3: run },
    pages: 3 + run.length / 4096,
    ...more,
  };
}
