/** Waiting that a signal ends, while the work goes on. */
import { onAbort } from '@varve/base/abort';

/** Waits for the work or the signal, whichever comes first. @throws the signal's own reason */
export async function until<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  let letGo = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    letGo = onAbort(signal, () => reject(signal.reason as Error));
  });
  try {
    return await Promise.race([aborted, work]);
  } finally {
    letGo();
  }
}
