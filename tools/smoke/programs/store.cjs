/** The walk, for a program that uses `require`. */
void require('./walk.cjs').walk(require('@varve/kv'), process.argv[2]);
