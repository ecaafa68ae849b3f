export { compareRevisions, formatRevision, type Revision } from './revision.ts';
export { RevisionSet } from './revision-set.ts';
export type {
  IndexEntry,
  IndexRange,
  IndexRangeOptions,
  KeyedIndexEntry,
  MutableIndexEntry,
  RangeEnd,
  TreeIndex,
} from './tree-index.ts';
export { createTreeIndex } from './create-tree-index.ts';
export { IndexError, type IndexErrorCode } from './errors.ts';
