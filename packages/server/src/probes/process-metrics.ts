/** What the process is, under the names that every Prometheus client uses. What the system does not tell is left out. */
import { readdirSync, readFileSync } from 'node:fs';
import { uptimeSeconds, unixSeconds } from '../clock.ts';

export interface ProcessMetrics {
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly startSeconds: number;
  readonly openFiles: number | undefined;
  readonly mostFiles: number | undefined;
}

export function processMetrics(): ProcessMetrics {
  const { user, system } = process.cpuUsage();
  return {
    cpuSeconds: (user + system) / 1e6,
    residentBytes: process.memoryUsage.rss(),
    startSeconds: unixSeconds() - uptimeSeconds(),
    openFiles: told(() => readdirSync('/proc/self/fd').length),
    mostFiles: told(() => Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1])),
  };
}

/** Only Linux has these files. */
function told(ask: () => number): number | undefined {
  try {
    const value = ask();
    return Number.isNaN(value) ? undefined : value;
  } catch {
    return undefined;
  }
}
