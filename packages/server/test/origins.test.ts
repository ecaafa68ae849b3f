import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { Origins } from '../src/gateway/origins.ts';
import { Exchange } from '../src/transport/exchange.ts';

test('R116: a connection that does not say where it arrived counts as one to a loopback address', () => {
  const admits = (host: string, advertised: readonly string[] = []): [admitted: boolean, status: number] => {
    const request = new IncomingMessage(new Socket());
    request.headers.host = host;
    const response = new ServerResponse(request);
    const exchange = new Exchange(request, response, false);
    expect(exchange.localAddress).toBeUndefined();
    return [new Origins({}, advertised).admit(exchange), response.statusCode];
  };
  expect(admits('example.com')).toEqual([false, 421]);
  expect(admits('localhost:2379')).toEqual([true, 200]);
  expect(admits('example.com', ['http://example.com:2379'])).toEqual([true, 200]);
});
