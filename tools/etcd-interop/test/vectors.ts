/** Files that etcd wrote, what is in them, and what etcd said about them (`tools/vectors`). */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { onTestFinished } from 'vitest';

const vectors = resolve(import.meta.dirname, '../../vectors');

/** Removed when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'varve-etcd-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The file, unpacked to where it may be changed. */
export function unpacked(name: string): string {
  const path = join(temporaryFolder(), 'db');
  writeFileSync(path, gunzipSync(readFileSync(join(vectors, 'bolt', `${name}.db.gz`))));
  return path;
}

/** One record; a value above 128 bytes is given by its length and hash. */
export type Row = readonly [
  main: number,
  sub: number,
  tombstone: boolean,
  key: string,
  createRevision: number,
  modRevision: number,
  version: number,
  lease: string,
  value: string | { readonly len: number; readonly sha256: string },
];

export interface Listing {
  readonly crc32cOfBucketsAndPairs: number;
  readonly etcd: {
    readonly summary: {
      readonly buckets: readonly string[];
      readonly leases: readonly (readonly [key: string, id: string, ttl: number, remaining: number])[];
      readonly meta: Readonly<Record<string, string>>;
    };
    readonly rows: readonly Row[];
  };
}

export function listing(name: string): Listing {
  return read(join(vectors, 'bolt', `${name}.json.gz`)) as Listing;
}

/** etcd's own answers, numbers that a double cannot hold as text. */
export interface State {
  readonly hashKV: readonly [
    {
      readonly HashKV: {
        readonly header: { readonly revision: number };
        readonly hash: number;
        readonly compact_revision: number;
      };
    },
  ];
  readonly leases: { readonly leases: readonly { readonly id: string }[] };
  readonly range: { readonly kvs: readonly StateKv[] };
}

export interface StateKv {
  readonly key: string;
  readonly value?: string;
  readonly create_revision: number;
  readonly mod_revision: number;
  readonly version: number;
  readonly lease?: string;
}

export function state(name: string): State {
  return read(join(vectors, 'etcd', `${name}.state.json.gz`)) as State;
}

function read(path: string): unknown {
  return JSON.parse(
    gunzipSync(readFileSync(path))
      .toString()
      .replace(/:(\d{16,})/g, ':"$1"'),
  );
}
