/** What transactions are carried out with, apart so that it is loaded with the first one. */
export { repeat } from './transaction.ts';
export { Decision } from './txn-path.ts';
export { readTxn } from './txn-read.ts';
export { runTxn } from './txn-run.ts';
