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
export { createTreeIndex, loadTreeIndex } from './create-tree-index.ts';
export { IndexError, type IndexErrorCode } from './errors.ts';
