/**
 * A whole tree of sorted-btree at once, out of keys that are in order: each comparison costs what it costs, but no descent is made, and no
 * code for one has to be compiled. Apart from `btree.ts`, so that who never needs it loads none of it.
 */
export { bulkLoad } from 'sorted-btree/extended/bulkLoad.js';
