/**
 * The log: JSON lines on standard error, written at once.
 *
 * VLG1  Levels are words and messages do not change with what they tell, so that lines can be searched: `jq 'select(.level=="warn")'`. What is
 *     told is in fields of its own, named as etcd names them where it has them.
 * VLG2  Sizes, addresses and codes; no keys, no values, no paths of clients (R117).
 */
import { destination, pino, stdTimeFunctions } from 'pino';

export interface Log {
  info(facts: Readonly<Record<string, unknown>>, message: string): void;
  warn(facts: Readonly<Record<string, unknown>>, message: string): void;
}

export function openLog(): Log {
  const formatters = { level: (label: string) => ({ level: label }) };
  return pino({ base: null, formatters, timestamp: stdTimeFunctions.isoTime }, destination({ dest: 2, sync: true }));
}
