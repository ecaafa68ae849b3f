// @ts-check
/** HTTP/1.1 by hand, for requests that no client sends: what was sent is what stands here, and the answer keeps its chunks. */
import { connect } from 'node:net';

/**
 * @typedef {object} HttpRequest
 * @property {string} [method] POST when left out
 * @property {string} target
 * @property {Readonly<Record<string, string>>} [headers]
 * @property {string} [body] one character a byte
 * @property {number} [messages] of a stream: the connection is closed when so many have come
 * @property {boolean} [open] of a stream: the body does not end
 *
 * @typedef {object} HttpAnswer
 * @property {number} status 0: none came
 * @property {Readonly<Record<string, string>>} headers names in lower case
 * @property {string} body one character a byte
 * @property {readonly string[]} chunks
 */

/** How long an answer may take. */
const PATIENCE_MS = 20_000;

/** @param {HttpRequest} request @param {string} host @returns {string} one character a byte */
function written({ method = 'POST', target, headers = {}, body = '', open = false }, host) {
  const named = new Map(
    Object.entries({ host, 'user-agent': 'varve', ...headers }).filter(([, value]) => value !== ''),
  );
  if (open) named.set('transfer-encoding', 'chunked');
  else if (!named.has('transfer-encoding') && (body !== '' || method === 'POST')) {
    named.set('content-length', String(body.length));
  }
  const lines = [...named].map(([name, value]) => `${name}: ${value}\r\n`);
  const chunked = open && body !== '' ? `${body.length.toString(16)}\r\n${body}\r\n` : body;
  return `${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n${chunked}`;
}

/** @param {string} endpoint `host:port` @param {HttpRequest} request @returns {Promise<HttpAnswer>} */
export async function send(endpoint, request) {
  const [host, port] = endpoint.split(':');
  const socket = connect(Number(port), host);
  socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error(`no answer to ${request.target}`)));
  socket.write(Buffer.from(written(request, endpoint), 'latin1'));
  let read = '';
  try {
    for await (const piece of socket) {
      read += piece.toString('latin1');
      const answer = parsed(read, request);
      if (answer !== undefined) return answer;
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ECONNRESET')) throw error;
  } finally {
    socket.destroy();
  }
  return { status: 0, headers: {}, body: read, chunks: [] };
}

/** @param {string} read @param {HttpRequest} request @returns {HttpAnswer | undefined} undefined: there is more to come */
function parsed(read, { method, messages = Infinity }) {
  const end = read.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [first = '', ...lines] = read.slice(0, end).split('\r\n');
  /** @type {Record<string, string>} */
  const headers = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const status = Number(first.split(' ')[1]);
  if (status === 100) return parsed(read.slice(end + 4), { target: '', messages });
  const rest = read.slice(end + 4);
  if (headers['transfer-encoding'] === 'chunked') {
    const { chunks, isOver } = chunksOf(rest);
    const body = chunks.join('');
    if (!isOver && body.split('\n').length - 1 < messages) return undefined;
    return { status, headers, body, chunks };
  }
  const length = method === 'HEAD' ? 0 : Number(headers['content-length'] ?? 0);
  return rest.length < length ? undefined : { status, headers, body: rest.slice(0, length), chunks: [] };
}

/** @param {string} text */
function chunksOf(text) {
  const chunks = [];
  for (let at = 0; ;) {
    const line = text.indexOf('\r\n', at);
    if (line < 0) return { chunks, isOver: false };
    const length = Number.parseInt(text.slice(at, line), 16);
    if (length === 0) return { chunks, isOver: true };
    if (text.length < line + 2 + length + 2) return { chunks, isOver: false };
    chunks.push(text.slice(line + 2, line + 2 + length));
    at = line + 2 + length + 2;
  }
}
