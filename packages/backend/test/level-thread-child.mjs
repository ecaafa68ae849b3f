// Opens a LevelDB store, lets a thread of the same process try as well, prints what the thread was told, and stays.
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { levelEngine } from '../dist/engines/level/index.js';

const path = isMainThread ? process.argv[2] : workerData;
const told = await levelEngine(path).then(
  () => 'it has it',
  ({ code, message }) => `${code} ${message}`,
);
if (isMainThread) {
  void new Worker(new URL(import.meta.url), { workerData: path });
  process.stdin.resume();
} else console.log(told);
