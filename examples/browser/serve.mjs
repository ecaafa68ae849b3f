// @ts-check
// Bundles the page and serves it on this machine: `npm start`, then open the address it prints.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { bundle } from '@varve-tools/browser';

/** @param {number} [port] 0 for a free one @returns {Promise<{ url: string, close(): Promise<void> }>} */
export async function serve(port = 0) {
  const { chunks, problems } = await bundle(fileURLToPath(new URL('dist/page.js', import.meta.url)));
  for (const problem of problems) console.error(problem);
  const html = readFileSync(new URL('index.html', import.meta.url), 'utf8');
  const files = new Map(chunks.map(({ fileName, code }) => [`/${fileName}`, code]));
  const server = createServer(({ url = '/' }, response) => {
    const code = files.get(url);
    if (url === '/') response.writeHead(200, { 'content-type': 'text/html' }).end(html);
    else if (code !== undefined) response.writeHead(200, { 'content-type': 'text/javascript' }).end(code);
    else response.writeHead(404).end();
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve(undefined)));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const close = () =>
    new Promise((resolve) => {
      server.close(() => resolve(undefined));
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${address.port}/`, close: async () => void (await close()) };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { url } = await serve(Number(process.env['PORT'] ?? 0));
  console.log(`the page is at ${url} (Ctrl-C ends it)`);
}
