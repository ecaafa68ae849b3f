/** The listing of a file, made by our own reader. */
import { chooseMeta } from '../src/open/choose-meta.ts';
import { listing } from '../src/tools/listing.ts';
import { nodeFiles } from '@varve/base/node/files';
import { PageFile } from '../src/pages/page-file.ts';
import type { Listing } from './vectors.ts';

export async function listFile(path: string): Promise<Listing> {
  const file = await nodeFiles.open(path, 'read');
  try {
    const chosen = chooseMeta(file, path);
    const pages = new PageFile(file, chosen.active.pageSize, 1 << 20);
    return JSON.parse([...listing(pages, chosen, file.size())].join('')) as Listing;
  } finally {
    await file.close();
  }
}
