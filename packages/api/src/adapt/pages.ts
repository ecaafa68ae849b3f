/**
 * Many changes in parts that fit into a transaction each, by the default limits and by what an etcd takes as one request.
 *
 * PGO1  Every item is in one page, in order. No page is empty; one item may be larger than a page, and has one of its own then.
 */
import { usualMaxOps } from '../limits.ts';

/** A third of 1.5 MiB, which a request to an etcd may have: a character takes up to three bytes. */
const mostSize = 512 * 1024;

/** @param sizeOf characters or bytes of an item, its key included */
export function* pagesOf<T>(items: Iterable<T>, sizeOf: (item: T) => number): Generator<readonly T[], void> {
  let page: T[] = [];
  let size = 0;
  for (const item of items) {
    const more = sizeOf(item);
    if (page.length > 0 && (page.length === usualMaxOps || size + more > mostSize)) {
      yield page;
      page = [];
      size = 0;
    }
    page.push(item);
    size += more;
  }
  if (page.length > 0) yield page;
}
