/**
 * What the host gives beyond the language, where it is not Node: nobody listens to diagnostics, and signals warn of nothing.
 * The same names as `node/host.ts`.
 */
export { portableWorld as hostWorld } from './world.ts';

/** Code comes over a network: what is seldom used is loaded when it is. */
export const codeIsNear: boolean = false;

export interface Channel {
  readonly hasSubscribers: boolean;
  publish(message: unknown): void;
}

export interface TracingChannel {
  tracePromise<T>(work: () => Promise<T>, context: object): Promise<T>;
}

const silent: Channel = { hasSubscribers: false, publish: () => undefined };
const untraced: TracingChannel = { tracePromise: (work) => work() };

export function channel(_name: string): Channel {
  return silent;
}

export function tracingChannel(_name: string): TracingChannel {
  return untraced;
}

export function allowListeners(_signal: AbortSignal): void {}
