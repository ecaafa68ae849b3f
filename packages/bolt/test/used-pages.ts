/** The pages that the newest state of a file uses: trees, free list, meta pages excluded. */
import type { Files } from '@varve/base/files';
import { nodeWorld } from '@varve/base/node/world';
import { Slice } from '@varve/base/pace';
import { chooseMeta } from '../src/open/choose-meta.ts';
import { readFreelist } from '../src/pages/free-pages.ts';
import { PageFile } from '../src/pages/page-file.ts';
import { reachablePages } from '../src/pages/reachable.ts';

export async function usedPages(files: Files, path: string): Promise<Set<number>> {
  const file = await files.open(path, 'read');
  try {
    const { active } = chooseMeta(file, path);
    const pages = new PageFile(file, active.pageSize, 0);
    const slice = new Slice(nodeWorld.clock);
    const seen = await slice.run(reachablePages(pages, active));
    const used = new Set<number>();
    for (let page = 2; page < active.highWater; page++) if (seen.has(page)) used.add(page);
    if (active.freelist !== undefined) {
      const { overflow } = await slice.run(readFreelist(pages, active));
      for (let page = active.freelist; page <= active.freelist + overflow; page++) used.add(page);
    }
    return used;
  } finally {
    await file.close();
  }
}
