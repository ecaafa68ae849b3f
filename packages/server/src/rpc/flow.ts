/** Waiting for a client that reads slower than we write. */

interface Stream {
  readonly cancelled: boolean;
  readonly writableNeedDrain: boolean;
  once(event: 'drain' | 'cancelled', listener: () => void): unknown;
  off(event: 'drain' | 'cancelled', listener: () => void): unknown;
}

/** Resolves when the stream takes more, or its client has gone. */
export function room(stream: Stream): Promise<void> {
  if (stream.cancelled || !stream.writableNeedDrain) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done);
      stream.off('cancelled', done);
      resolve();
    };
    stream.once('drain', done);
    stream.once('cancelled', done);
  });
}

interface Requests<Request> {
  iterator(options: { readonly destroyOnReturn: boolean }): AsyncIterator<Request>;
}

/** The requests of a stream, one after another. Unlike the stream's own iterator it leaves the answering half open at the end. */
export async function* requestsOf<Request>(call: Requests<unknown>): AsyncGenerator<Request, void> {
  const requests = call.iterator({ destroyOnReturn: false });
  for (;;) {
    const { done, value } = await requests.next();
    if (done === true) return;
    yield value as Request;
  }
}
