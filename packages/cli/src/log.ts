/**
 * The log: JSON lines on standard error, written at once.
 *
 * VLG1  Sizes, addresses and codes; no keys, no values, no paths of clients (R117).
 */
import { destination, pino, stdTimeFunctions } from 'pino';

export interface Log {
  info(facts: Readonly<Record<string, unknown>>, message: string): void;
  warn(facts: Readonly<Record<string, unknown>>, message: string): void;
}

export function openLog(): Log {
  return pino({ base: null, timestamp: stdTimeFunctions.isoTime }, destination({ dest: 2, sync: true }));
}
