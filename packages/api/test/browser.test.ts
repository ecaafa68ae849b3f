/** The package runs where there is only what browsers have: no built-in of Node, and nothing that only Node has as a global. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';

interface Chunk {
  readonly code: string;
  readonly imports: readonly string[];
  readonly dynamicImports: readonly string[];
}

/** The part of the bundler that is used: it comes with the test runner, so it is looked up from there. */
interface Bundler {
  rolldown(options: object): Promise<{ generate(options: object): Promise<{ output: readonly Chunk[] }> }>;
}

async function bundler(): Promise<Bundler> {
  const vitest = createRequire(import.meta.url).resolve('vitest/package.json');
  const vite = createRequire(vitest).resolve('vite/package.json');
  return (await import(createRequire(vite).resolve('rolldown'))) as Bundler;
}

async function bundle(entry: string): Promise<Chunk> {
  const bundling = await bundler();
  const problems: string[] = [];
  const built = await bundling.rolldown({
    input: join(dirname(fileURLToPath(import.meta.url)), '..', 'dist', entry),
    platform: 'browser',
    onLog: (level: string, log: { readonly message: string }) => problems.push(`${level}: ${log.message}`),
  });
  const { output } = await built.generate({ format: 'es', minify: true });
  expect(problems).toEqual([]);
  expect(output).toHaveLength(1);
  return output[0]!;
}

test.each(['index.js', 'implement.js', 'conformance/index.js'])(
  '%s is bundled for browsers, with nothing left outside',
  async (entry) => {
    const { code, imports, dynamicImports } = await bundle(entry);
    expect([imports, dynamicImports]).toEqual([[], []]);
    expect(code).not.toMatch(
      /\bnode:|\brequire\(|\bprocess\b|\bglobal\b|\bsetImmediate\b|\bBuffer\.|new Buffer|import\(/,
    );
  },
);

test('the bundle works where Node has hidden its own globals', async () => {
  const { code } = await bundle('implement.js');
  const { code: users } = await bundle('index.js');
  const asUrl = (text: string): string => `data:text/javascript,${encodeURIComponent(text)}`;
  const program = `
    import { parentPort } from 'node:worker_threads';
    delete globalThis.Buffer; delete globalThis.process; delete globalThis.setImmediate; delete globalThis.global;
    const { KeySpace, cursorOf, readCursor } = await import(${JSON.stringify(asUrl(code))});
    const { tuple, utf8, json, codeOf } = await import(${JSON.stringify(asUrl(users))});
    const key = ['a', -1.5, 12345678901234567890n, true, Uint8Array.of(0, 1), ['b']];
    const bytes = tuple().encode(key);
    const space = new KeySpace(utf8).inside('n/');
    const walk = { bounds: space.bounds({ prefix: 'ké' }), reverse: false, space };
    const cursor = cursorOf(7, space.encode('kéy'), walk);
    let code;
    try { space.bounds({ prfix: 'a' }); } catch (error) { code = codeOf(error); }
    parentPort.postMessage({
      bytes: [...bytes], same: JSON.stringify([...tuple().encode(tuple().decode(bytes))]) === JSON.stringify([...bytes]),
      json: json().decode(json().encode({ ä: '\u{10ffff}' })), cursor, revision: readCursor(cursor, walk, 7).revision, code,
    });`;
  const worker = new Worker(new URL(asUrl(program)));
  try {
    const found = await new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    expect(found).toMatchObject({ same: true, json: { ä: '\u{10ffff}' }, revision: 7, code: 'KV_INVALID' });
  } finally {
    await worker.terminate();
  }
});
