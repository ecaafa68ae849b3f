/**
 * What this package tells to whoever listens on `node:diagnostics_channel`; it costs nothing while nobody does.
 *
 * - `varve.kv.background-error`: `{ work, error }` of something that nobody awaited (R15)
 */
import { channel, type Channel } from '@varve/base/host';

const background: Channel = channel('varve.kv.background-error');

export function backgroundError(work: string, error: unknown): void {
  if (background.hasSubscribers) background.publish({ work, error });
}
