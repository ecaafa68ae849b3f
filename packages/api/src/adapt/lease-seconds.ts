/** How long what has a time to live in another library lives here, as a lease has it. */

/** What a lease may have at most, here and in etcd. */
const mostSeconds = 9_000_000_000;

/** Whole seconds, rounded up, 1 at least; `undefined`, which is for ever, where that is more than a lease may have. */
export function leaseSeconds(seconds: number): number | undefined {
  const whole = Math.max(1, Math.ceil(seconds));
  return whole > mostSeconds ? undefined : whole;
}
