/** Child processes as the tools start them: codes, output and signals arrive. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { run } from '../run/child.mjs';

test('a quiet child gives its code and all it printed', async () => {
  const script = `process.stdout.write('out '); process.stderr.write('err'); process.exitCode = 3;`;
  const { code, output } = await run('node', ['-e', script], { quiet: true });
  expect(code).toBe(3);
  expect(output).toContain('out ');
  expect(output).toContain('err');
});

test('a program that is not there is code 127', async () => {
  const { code, output } = await run('no-such-program-anywhere', [], { quiet: true });
  expect(code).toBe(127);
  expect(output).toContain('no-such-program-anywhere');
});

test.each(['SIGINT', 'SIGTERM'] as const)('%s reaches the child first, and then ends the parent', async (signal) => {
  const child = fileURLToPath(new URL('../run/child.mjs', import.meta.url));
  // The grandchild says that it is up, and answers the signal before it ends.
  const inner = `process.on('${signal}', () => { console.log('told'); process.exit(5); }); setInterval(() => {}, 1000); console.log('up');`;
  const outer = `import { leave, run } from ${JSON.stringify(child)}; leave((await run('node', ['-e', ${JSON.stringify(inner)}])).code);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', outer], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  parent.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (text.includes('up')) parent.kill(signal);
  });
  const [code, endedBy] = (await once(parent, 'close')) as [number | null, NodeJS.Signals | null];
  expect({ code, endedBy, output }).toEqual({ code: null, endedBy: signal, output: 'up\ntold\n' });
});
