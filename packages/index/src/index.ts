export { checkTreeIndex } from './check-tree-index.ts';
export { compareRevisions, formatRevision, type Revision } from './revision.ts';
export { RevisionList } from './revision-list.ts';
export { RevisionSet } from './revision-set.ts';
export type {
  IndexEntry,
  IndexRange,
  IndexRangeOptions,
  KeyedIndexEntry,
  MutableIndexEntry,
  RangeEnd,
  TreeIndex,
  TreeIndexLoading,
} from './tree-index.ts';
export { createTreeIndex } from './empty-index.ts';
export { loadTreeIndex, saveTreeIndex } from './saved-index.ts';
export { IndexError, type IndexErrorCode } from './errors.ts';
