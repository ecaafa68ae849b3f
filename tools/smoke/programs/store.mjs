/** The walk, for a program that uses `import`. */
import * as kv from '@varve/kv';
import walking from './walk.cjs';

await walking.walk(kv, process.argv[2]);
