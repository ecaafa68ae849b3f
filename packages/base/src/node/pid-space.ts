/** The PID namespace in which this process's number counts. */
import fs from 'node:fs';

/** The number of our PID namespace in base 36; 0 where there are none. */
export function pidSpace(): string {
  try {
    return BigInt(/\d+/.exec(fs.readlinkSync('/proc/self/ns/pid'))?.[0] ?? 0).toString(36);
  } catch {
    return '0';
  }
}
