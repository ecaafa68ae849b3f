/**
 * What unstorage is told of changes: `update` and `remove`, and no word of what went wrong.
 *
 * UWT1  It has begun when the promise resolves: a write behind that is told.
 * UWT2  What ends it, other than unwatching and closing, goes to `onError`. So does a gap: changes that were compacted before they came, as
 *       after a long time without a connection. Every item there is, is told as an update then; removals in the gap are not.
 * UWT3  What the callback throws goes to `onError`, and the watch goes on.
 */
import { KvError, type Kv } from '@varve/api';

/** Returns what ends it. */
export async function watchChanges(
  kv: Pick<Kv<string, Uint8Array>, 'watch'>,
  callback: (event: 'update' | 'remove', key: string) => unknown,
  onError: (error: unknown) => void,
): Promise<() => Promise<void>> {
  // A key that is no text is no item.
  const watch = kv.watch({}, { resync: true, undecodable: 'skip' });
  const tell = async (): Promise<void> => {
    for await (const { events, resync, revision } of watch.batches()) {
      if (resync === true && events.length === 0) onError(gap(revision));
      for (const { type, key } of events) {
        try {
          callback(type === 'put' ? 'update' : 'remove', key);
        } catch (error) {
          onError(error);
        }
      }
    }
  };
  const ended = tell().catch(onError);
  await watch.started();
  return async () => {
    await watch.close();
    await ended;
  };
}

function gap(revision: number): KvError {
  const message = `changes up to revision ${revision} were compacted before the watch had them: items that were removed are not told`;
  return new KvError('MVCC_COMPACTED', message, { revision });
}
