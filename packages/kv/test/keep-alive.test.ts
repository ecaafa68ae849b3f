/** B2: a program that waits for events stays, and ends when nobody waits any more. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from './helpers.ts';

const places: readonly [string, () => string][] = [
  ['memory', () => 'memory()'],
  ['level', () => `level(${JSON.stringify(temporaryFolder())})`],
  ['log', () => `log(${JSON.stringify(temporaryFolder())})`],
  ['file', () => `file(${JSON.stringify(temporaryFolder('store.db'))})`],
];

interface Ending {
  readonly code: number | null;
  readonly output: string;
  /** It had to be ended from outside. */
  readonly stayed: boolean;
}

/** Runs a program of the built package. One that says "waiting" and then is alive after many turns of its loop stays. */
async function run(place: string, program: string): Promise<Ending> {
  const source = `
    import { file, level, log, memory, open } from '@varve/kv';
    const kv = await open(${place});
    await kv.put('a', '1');
    ${program}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    cwd: import.meta.dirname,
    stdio: ['pipe', 'pipe', 'inherit', 'ipc'],
  });
  let output = '';
  let stayed = false;
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.on('message', () => {
    stayed = true;
    child.kill();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output, stayed };
}

/** Tells the test that the program is alive long after it had nothing else to do; the timer does not keep it so. */
const tellLater = `process.channel.unref();
    setTimeout(() => process.send('alive'), 300).unref();`;

/** Everything once, and on the other engines what differs there: the pull, the end by itself. */
const some = <T>(engine: string, rows: readonly T[]): readonly T[] => (engine === 'memory' ? rows : rows.slice(0, 2));

describe.each(places)('XB2, law 12: on %s', (engine, place) => {
  const waiting: readonly [string, string][] = [
    ['for await', 'for await (const event of kv.watch({})) console.log(event.key);'],
    ['batches', 'for await (const batch of kv.watch("b").batches()) console.log(batch.revision);'],
    ['a single pull', 'await kv.watch({})[Symbol.asyncIterator]().next();'],
    ['after the initial state', 'for await (const event of kv.watch({}, { initial: true })) console.log(event.key);'],
    ['after the past', 'for await (const event of kv.watch({}, { from: 2 })) console.log(event.key);'],
    ['referenced again', 'for await (const event of kv.watch({}).unref().ref()) console.log(event.key);'],
    [
      'referenced while the pull waits',
      'const watch = kv.watch({}).unref(); setImmediate(() => watch.ref()); for await (const event of watch);',
    ],
  ];
  test.concurrent.each(some(engine, waiting))('a program whose only work is to wait stays: %s', async (_, program) => {
    expect(await run(place(), `${tellLater}\n${program}`)).toMatchObject({ stayed: true });
  });

  const ending: readonly [string, string][] = [
    ['unreferenced', 'void (async () => { for await (const event of kv.watch({}).unref()); })();'],
    [
      'unreferenced while the pull waits',
      'const watch = kv.watch({}); setImmediate(() => watch.unref()); void (async () => { for await (const event of watch); })();',
    ],
    ['a watch that nobody pulls', 'kv.watch({});'],
    [
      'closed under a pull',
      'const watch = kv.watch({}); setImmediate(() => watch.close()); for await (const event of watch); console.log("ended");',
    ],
    [
      'aborted under a pull',
      `const controller = new AbortController(); setImmediate(() => controller.abort());
      try { for await (const event of kv.watch({}, { signal: controller.signal })); } catch { console.log('ended'); }`,
    ],
    [
      'the store closed under a pull',
      'setImmediate(() => kv.close()); for await (const event of kv.watch({})); console.log("ended");',
    ],
    [
      'left',
      'setImmediate(() => kv.put("b", "1")); for await (const event of kv.watch({})) break; console.log("ended");',
    ],
    [
      'one of two left waiting, unreferenced',
      'void (async () => { for await (const e of kv.watch({}).unref()); })(); setImmediate(() => kv.put("b", "1")); for await (const e of kv.watch({})) break; console.log("ended");',
    ],
  ];
  test.concurrent.each(some(engine, ending))('it ends by itself with 0 when it is to: %s', async (name, program) => {
    const wanted = program.includes('ended') ? 'ended\n' : '';
    expect(await run(place(), program), name).toEqual({ code: 0, output: wanted, stayed: false });
  });
});
