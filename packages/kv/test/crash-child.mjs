// Writes transactions until it is killed. Each says what it is about to write, and when it was acknowledged, with one
// unbuffered write a line, so that the parent knows what must be there afterwards.
import { writeSync } from 'node:fs';
import { file, level, open, put } from '@varve/kv';

const [place, first] = process.argv.slice(2);
const kv = await open(place.endsWith('.db') ? file(place) : place.endsWith('level') ? level(place) : place);
writeSync(1, 'ready\n');
let next = Number(first);

async function writer(id) {
  for (;;) {
    const seq = next++;
    // Three keys in one transaction, of which a crash must leave all or none.
    const value = `${seq}:${'x'.repeat(seq % 700)}`;
    writeSync(1, `try ${id} ${seq}\n`);
    const { revision } = await kv.txn({ then: [0, 1, 2].map((part) => put(`w${id}/${part}`, value)) });
    writeSync(1, `ack ${id} ${seq} ${revision}\n`);
    if (seq % 50 === 0) await kv.compact(revision - 1).catch(() => undefined);
  }
}

await Promise.all(Array.from({ length: 8 }, (_, id) => writer(id)));
