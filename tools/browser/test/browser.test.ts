/** The store in memory where Node is not: bundles, a worker without Node's globals, a context with the language alone, Chromium. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';
import { Worker } from 'node:worker_threads';
import { gzipSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { bundle, loadedAtOnce, sharesOf, type Chunk } from '../lib/bundle.mjs';

interface Outcome {
  readonly held: number;
  readonly failed: readonly string[];
}

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const memory = here('../../../packages/kv/dist/memory.js');
const program = here('../lib/conformance-program.mjs');

/**
 * What may have to be loaded at once, gzipped: what it was when this was written, and room for little (decisions/0043). Of a page that opens a store;
 * and of one that uses everything that the entry exports.
 */
const mostOfPage = 84;
const mostOfEntry = 86;

/** What the suite has at the least: a program that runs nothing must not pass. */
const scenarios = 70;

test('kv/memory is bundled without a word, and with nothing of Node in it', async () => {
  const { chunks, problems } = await bundle(memory);
  expect(problems).toEqual([]);
  const code = chunks.map((chunk) => chunk.code).join('\n');
  expect(
    /\bnode:|\brequire\(|\bprocess\.|\bsetImmediate\b|\bnew Buffer|\bBuffer\.from/.exec(code)?.[0],
  ).toBeUndefined();
  const whole = told('the whole entry', chunks);
  const page = await bundle(here('../lib/page-program.mjs'));
  expect(page.problems).toEqual([]);
  const least = told('a page that opens a store', page.chunks);
  expect(least).toBeLessThan(mostOfPage);
  expect(whole).toBeLessThan(mostOfEntry);
});

/** Says what has to be loaded at once, in kilobytes, gzipped; and what may come later. */
function told(name: string, chunks: readonly Chunk[]): number {
  const loaded = loadedAtOnce(chunks);
  const gzipped = (files: readonly Chunk[]): number =>
    files.reduce((sum, { code }) => sum + gzipSync(code).length, 0) / 1000;
  const kilobytes = gzipped(loaded);
  const later = gzipped(chunks.filter((chunk) => !loaded.includes(chunk)));
  console.log(
    `kv/memory, ${name}: ${kilobytes.toFixed(1)} kB gzipped at once, and ${later.toFixed(1)} kB when they are first used`,
  );
  const shares = sharesOf(loaded).map(([part, share]) => `${part} ${share} %`);
  console.log(`kv/memory, ${name}, by package: ${shares.join(', ')}`);
  return kilobytes;
}

test('every scenario of a Kv holds in a worker from which the globals of Node were taken', async () => {
  const code = await oneFile();
  const worker = new Worker(
    new URL(
      asUrl(`
    import { parentPort } from 'node:worker_threads';
    for (const name of ['Buffer', 'process', 'setImmediate', 'clearImmediate', 'global']) delete globalThis[name];
    const { runConformance } = await import(${JSON.stringify(asUrl(code))});
    parentPort.postMessage(await runConformance());`),
    ),
  );
  try {
    const outcome = await new Promise<Outcome>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    expect(outcome.failed).toEqual([]);
    expect(outcome.held).toBeGreaterThan(scenarios);
  } finally {
    await worker.terminate();
  }
});

test('every scenario holds in a context with the language, microtasks, timers, signals and TextEncoder alone', async () => {
  const code = (await oneFile()).replace(/export\s*\{\s*(\w+) as runConformance\s*\};?\s*$/, 'globalThis.run = $1;');
  const context = vm.createContext({
    queueMicrotask,
    setTimeout,
    clearTimeout,
    AbortController,
    AbortSignal,
    Host: TextEncoder,
  });
  // Explicit resource management is in the language since Node 20 was made.
  vm.runInContext("for (const name of ['dispose', 'asyncDispose']) Symbol[name] ??= Symbol(name);", context);
  // Its arrays must be those of the context.
  vm.runInContext(
    'class TextEncoder extends Host { encode(text) { return new Uint8Array(super.encode(text)); } }; globalThis.TextEncoder = TextEncoder;',
    context,
  );
  vm.runInContext(code, context);
  const outcome = (await vm.runInContext('run()', context)) as Outcome;
  expect(outcome.failed).toEqual([]);
  expect(outcome.held).toBeGreaterThan(scenarios);
});

const chromium = ['chromium', 'chromium-browser', 'google-chrome'].find((name) => {
  try {
    execFileSync(name, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
});
const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) server.close();
});

test.runIf(chromium !== undefined)('every scenario holds in Chromium, in a page and in a worker of it', async () => {
  const code = await oneFile();
  const reports = new Map<string, (outcome: Outcome) => void>();
  const reported = ['page', 'worker'].map(
    (name) => new Promise<Outcome>((resolve) => reports.set(`/${name}`, resolve)),
  );
  const run = (name: string): string =>
    `import { runConformance } from '/store.js'; await fetch('/${name}', { method: 'POST', body: JSON.stringify(await runConformance()) });`;
  const files: Record<string, [type: string, text: string]> = {
    '/': [
      'text/html',
      `<!doctype html><script type="module">new Worker('/worker.js', { type: 'module' }); ${run('page')}</script>`,
    ],
    '/worker.js': ['text/javascript', run('worker')],
    '/store.js': ['text/javascript', code],
  };
  const server = createServer((request, response) => {
    const report = reports.get(request.url!);
    if (request.method === 'POST' && report !== undefined) {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        report(JSON.parse(Buffer.concat(parts).toString()) as Outcome);
        response.end();
      });
      return;
    }
    const found = files[request.url!];
    response.writeHead(found === undefined ? 404 : 200, { 'content-type': found?.[0] ?? 'text/plain' });
    response.end(found?.[1]);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const profile = mkdtempSync(join(tmpdir(), 'varve-chromium-'));
  const browser = spawn(
    chromium!,
    [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      `--user-data-dir=${profile}`,
      `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    ],
    { stdio: 'ignore' },
  );
  const ended = new Promise<void>((resolve) => browser.once('exit', () => resolve()));
  try {
    for (const outcome of await Promise.all(reported)) {
      expect(outcome.failed).toEqual([]);
      expect(outcome.held).toBeGreaterThan(scenarios);
    }
  } finally {
    browser.kill();
    await ended;
    rmSync(profile, { recursive: true, force: true, maxRetries: 10 });
  }
});

let whole: Promise<string> | undefined;

function oneFile(): Promise<string> {
  whole ??= bundle(program, { oneFile: true }).then(({ chunks, problems }) => {
    expect(problems).toEqual([]);
    expect(chunks).toHaveLength(1);
    return chunks[0]!.code;
  });
  return whole;
}

function asUrl(text: string): string {
  return `data:text/javascript,${encodeURIComponent(text)}`;
}
