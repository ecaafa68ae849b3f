/** The Dockerfile, step by step against what is there: no container is built here, and its commands are run as it would run them. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '@varve/base/node/free-ports';
import { expect, test } from 'vitest';
import { clientOf, count, folder, NodeProgram, put } from './support/program.ts';

const packageFolder = fileURLToPath(new URL('..', import.meta.url));
const context = join(packageFolder, 'container');
const text = readFileSync(join(context, 'Dockerfile'), 'utf8');
const instructions = text
  .replaceAll(/\\\n/g, ' ')
  .split('\n')
  .flatMap((line) => {
    const [, name, rest] = /^([A-Z]+) +(.*)$/.exec(line) ?? [];
    return name === undefined || rest === undefined ? [] : [{ name, rest }];
  });
const manifest = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as {
  readonly bin: Readonly<Record<string, string>>;
  readonly files: readonly string[];
};

/** The words of the last instruction of that name, which are a list: no shell stands between, so signals arrive. */
function wordsOf(name: string): readonly string[] {
  const { rest } = instructions.findLast((one) => one.name === name)!;
  return JSON.parse(rest.slice(rest.indexOf('['))) as readonly string[];
}

/** Where it lies here. */
function placeHere(word: string): string {
  return word
    .replace(/^\/opt\/varve\/node_modules\/@varve\/cli\//, packageFolder)
    .replace(/^\/opt\/varve\//, `${context}/`);
}

test('the container runs as nobody special, by number, and keeps its data in a volume', () => {
  const names = instructions.map(({ name }) => name);
  expect(names[0]).toBe('ARG');
  expect(names.filter((name) => name === 'FROM')).toHaveLength(2);
  for (const name of ['USER', 'VOLUME', 'EXPOSE', 'HEALTHCHECK', 'ENTRYPOINT', 'CMD']) expect(names).toContain(name);
  expect(names.indexOf('USER')).toBeLessThan(names.indexOf('ENTRYPOINT'));
  expect(instructions.find(({ name }) => name === 'USER')!.rest).toMatch(/^[1-9]\d*:[1-9]\d*$/);
  // What is changed below a volume after it was declared is lost.
  expect(names.lastIndexOf('RUN')).toBeLessThan(names.indexOf('VOLUME'));
  expect(text).not.toMatch(/:latest|^ADD /m);
});

test('what the container copies is there, and its program is in the package', () => {
  for (const { name, rest } of instructions) {
    if (name !== 'COPY' || rest.startsWith('--from=install /opt/varve /opt/varve')) continue;
    const [from = '', to, more] = rest.split(' ');
    expect([existsSync(join(context, from)), to, more]).toEqual([true, `/opt/varve/${from}`, undefined]);
  }
  const program = wordsOf('ENTRYPOINT').at(-1)!;
  expect(program).toBe(`/opt/varve/node_modules/@varve/cli/${manifest.bin['varve']!.replace('./', '')}`);
  expect(manifest.files).toContain('dist');
  expect(existsSync(placeHere(program))).toBe(true);
});

test.skipIf(process.platform === 'win32')(
  'R92: the commands of the container serve, are healthy, and end with 0 by the signal that stops a container',
  async () => {
    const [node, ...entry] = wordsOf('ENTRYPOINT').map(placeHere);
    expect(node).toBe('node');
    const [data, port] = [folder(), await freePort()];
    const args = wordsOf('CMD').map((word) =>
      word.replace(/^\/data$/, data).replace(/^0\.0\.0\.0:2379$/, `127.0.0.1:${port}`),
    );
    const [flag = '', program = ''] = entry;
    const health = wordsOf('HEALTHCHECK').map(placeHere);
    expect([entry.length, health[0], health.length]).toEqual([2, 'node', 2]);
    const isHealthy = async (): Promise<number> => {
      const asked = execFile(process.execPath, [...health.slice(1), String(port)]);
      return ((await once(asked, 'close')) as [number])[0];
    };
    expect(await isHealthy()).toBe(1);

    const first = new NodeProgram(flag, [program, ...args]);
    expect(await first.firstLine()).toBe(`varve: serving ${data} on http://127.0.0.1:${port}`);
    expect(await isHealthy()).toBe(0);
    expect(await put(clientOf(`http://127.0.0.1:${port}`), 'k')).toBe('k');
    const { rest: signal } = instructions.find(({ name }) => name === 'STOPSIGNAL')!;
    first.child.kill(signal as NodeJS.Signals);
    expect(await first.ended).toBe(0);
    expect(await isHealthy()).toBe(1);
    expect(readdirSync(data)).toContain('VARVE');

    const second = new NodeProgram(flag, [program, ...args]);
    await second.firstLine();
    expect(await count(clientOf(`http://127.0.0.1:${port}`))).toBe(1);
  },
);
