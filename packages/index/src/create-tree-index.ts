import type { TreeIndex } from './tree-index.ts';

export declare function createTreeIndex(): TreeIndex;
