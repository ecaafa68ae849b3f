// @ts-check
/**
 * Looks at store files as a user would, each named by a line of standard input, and answers with a line of JSON:
 *
 *   { "code", "text" }                      refused, by open or by a read
 *   { "revision", "answer", "warnings" }    what it holds; it was also written to, closed, opened and read again
 *
 * The file is changed.
 */
import { createInterface } from 'node:readline';
import { bytes, file, open } from '@varve/kv';
import { flagsOf } from '../run/flags.mjs';
import { codeOf, say } from './lib/lines.mjs';
import { answerOf } from './lib/store-versions.mjs';

flagsOf(
  `node tools/crash/look-image.mjs
  reads and changes store files, each named by a line of standard input; answers with lines of JSON`,
  {},
);

/** @param {string} path */
async function look(path) {
  const kv = await open(file(path, { create: false }), { value: bytes });
  let seen;
  try {
    seen = { revision: kv.revision, answer: await answerOf(kv), warnings: kv.stats().warnings };
    await kv.put('written afterwards', Buffer.from('x'));
  } finally {
    await kv.close();
  }
  const again = await open(file(path, { create: false }), { value: bytes });
  try {
    await again.delete('written afterwards');
    const answer = await answerOf(again);
    if (answer !== seen.answer) throw new Error('the keys are others after one was written');
  } finally {
    await again.close();
  }
  return seen;
}

for await (const path of createInterface({ input: process.stdin })) {
  const shown = await look(path).catch((error) => ({ code: codeOf(error), text: String(error) }));
  say(JSON.stringify(shown));
}
