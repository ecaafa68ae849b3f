/**
 * What the host gives beyond the language: Node's. Elsewhere `@varve/base/host` is `portable/host.ts`, chosen by the conditions of this
 * package's exports, so that a bundle for browsers holds no built-in of Node.
 */
import { setMaxListeners } from 'node:events';
export { channel, tracingChannel, type Channel, type TracingChannel } from 'node:diagnostics_channel';
export { nodeWorld as hostWorld } from './world.ts';

/** Code lies beside: all of it is loaded with a store, so that no call waits for a file. */
export const codeIsNear: boolean = true;

/** Any number may listen: Node would warn of a leak at the eleventh. */
export function allowListeners(signal: AbortSignal): void {
  setMaxListeners(0, signal);
}
