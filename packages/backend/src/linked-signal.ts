/**
 * One signal that follows one or two others, until it is released.
 *
 * `AbortSignal.any` leaves a note on its sources for as long as they live (Node 20): a signal that a server keeps would
 * grow with every snapshot that it was passed to (R11, law 9).
 */
import { onAbort } from '@varve/base/abort';

export interface LinkedSignal {
  readonly signal: AbortSignal;
  /** Leaves nothing on the sources; `signal` follows them no more. */
  readonly release: () => void;
}

export function linkedSignal(own: AbortSignal, asked: AbortSignal | undefined): LinkedSignal {
  const controller = new AbortController();
  const sources = asked === undefined ? [own] : [asked, own];
  const follow = (): void => {
    const aborted = sources.find((source) => source.aborted);
    if (aborted !== undefined) controller.abort(aborted.reason);
  };
  const releases = sources.map((source) => onAbort(source, follow));
  follow();
  const release = (): void => {
    for (const letGo of releases) letGo();
  };
  return { signal: controller.signal, release };
}
