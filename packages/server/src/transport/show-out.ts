/**
 * How a client that does harm is shown out: at once, and slowly.
 *
 * SVSH1  From then on nothing of the connection is read: what still comes costs nothing. At once, because Node reads up to 2 MiB of a
 *     connection before it looks at others.
 * SVSH2  It is told why, and stays open for a moment: who comes back as soon as it is closed does not come back sooner than that (R99).
 * SVSH3  What was read already is not answered: whoever asks about streams leaves those alone.
 * SVSH4  Where Node keeps what it reads from otherwise one day, the connection is closed at once.
 */
import { constants, type Http2Session } from 'node:http2';
import { after, soon } from '../clock.ts';

const STAY_MS = 1000;

/** Reads nothing more of the session, and ends it. Idempotent. */
export function showOut(session: Http2Session): void {
  if (leaving.has(session) || session.destroyed) return;
  leaving.add(session);
  const isStill = stopReading(session);
  // Rules are broken within nghttp2, where no session may be ended.
  soon(() => {
    if (session.destroyed) return;
    session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    if (!isStill) {
      session.destroy();
      return;
    }
    const cancel = after(STAY_MS, () => session.destroy());
    session.once('close', cancel);
  });
}

/** Whether it is on its way out. */
export function isLeaving(session: Http2Session | undefined): boolean {
  return session !== undefined && leaving.has(session);
}

const leaving: WeakSet<Http2Session> = new WeakSet();

/** Whether it could be done. */
function stopReading(session: Http2Session): boolean {
  const handle: unknown = Reflect.get(session.socket, '_handle');
  if (typeof handle !== 'object' || handle === null || !('readStop' in handle)) return false;
  const { readStop } = handle;
  if (typeof readStop !== 'function') return false;
  Reflect.apply(readStop, handle, []);
  return true;
}
