/** Lease ids as text: the hexadecimal that etcd's tools print. */

/** The text of an id, which below is a signed 64-bit number. */
export function leaseText(lease: bigint): string {
  return BigInt.asUintN(64, lease).toString(16);
}

/** The id of a text, or `undefined` where it is none. */
export function leaseOf(text: string): bigint | undefined {
  return /^[0-9a-f]{1,16}$/i.test(text) ? BigInt.asIntN(64, BigInt(`0x${text}`)) : undefined;
}
