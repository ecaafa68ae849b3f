/** The answers of the Lease service that there are many of, written by hand (backward-writer.ts). */
import { writer } from './backward-writer.ts';
import type { Header } from './header.ts';

/** Of a grant and of a keep-alive: both have the same fields. */
export interface LeaseAnswer {
  readonly revision: number;
  readonly id: bigint;
  /** Seconds; 0: there is no such lease. */
  readonly ttl: number;
}

export function encodeLeaseAnswer(header: Header, { revision, id, ttl }: LeaseAnswer): Buffer {
  const out = writer.begin();
  out.uint(3, ttl);
  out.int64(2, id);
  header.write(out, revision);
  return out.take();
}
