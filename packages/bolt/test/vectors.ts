/** The files of `tools/vectors/bolt`, unpacked, and their listings. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';

const FOLDER = path.resolve(import.meta.dirname, '../../../tools/vectors/bolt');

/** A listing as far as tests use it. */
export interface Listing {
  readonly size: number;
  readonly pageSize: number;
  readonly metas: readonly { readonly txid: string; readonly valid: boolean }[];
  readonly activeMeta: number;
  readonly freelist: { readonly synced: boolean; readonly count: number; readonly ranges: readonly string[] };
  readonly pageCounts: Readonly<Record<string, number>>;
  readonly contentSha256: string;
  readonly keyCount: number;
  readonly bucketCount: number;
  readonly maxDepth: number;
  readonly crc32cOfBucketsAndPairs: number;
  readonly pages?: readonly unknown[];
  readonly root: ListedBucket;
  readonly tools: Readonly<Record<string, { readonly output: readonly string[] }>>;
}

/** A bucket of a listing. */
export interface ListedBucket {
  readonly inline: boolean;
  readonly rootPage: string;
  readonly sequence: string;
  readonly entries: readonly (readonly [key: string, value: string | ListedValue])[];
}

/** A value that is not given in full. */
export type ListedValue = { readonly len: number; readonly sha256: string } | { readonly bucket: ListedBucket };

export function vectorBytes(name: string): Buffer {
  return gunzipSync(readFileSync(path.join(FOLDER, `${name}.db.gz`)));
}

export function vectorListing(name: string): Listing {
  return JSON.parse(gunzipSync(readFileSync(path.join(FOLDER, `${name}.json.gz`))).toString()) as Listing;
}

export function readJson(name: string): unknown {
  return JSON.parse(readFileSync(path.join(FOLDER, name), 'utf8'));
}

/** Names of the files in a folder of the vectors, without `.db.gz`. */
export function vectorNames(folder = '.'): string[] {
  const names = readdirSync(path.join(FOLDER, folder)).filter((name) => name.endsWith('.db.gz'));
  return names.map((name) => path.join(folder, name.slice(0, -'.db.gz'.length))).toSorted();
}

export function recipeNames(): string[] {
  return readdirSync(path.join(FOLDER, 'recipes'))
    .map((name) => path.basename(name, '.json'))
    .toSorted();
}

/** A folder that is gone when the test file ends. */
export class Scratch {
  readonly folder: string = mkdtempSync(path.join(os.tmpdir(), 'varve-bolt-'));
  #next = 0;

  file(bytes?: Uint8Array): string {
    const name = path.join(this.folder, `${this.#next++}.db`);
    if (bytes !== undefined) writeFileSync(name, bytes);
    return name;
  }

  vector(name: string): string {
    return this.file(vectorBytes(name));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
