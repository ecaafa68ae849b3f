/** Who is at the other end of a connection, as text, as grpc-js writes it: `1.2.3.4:5678`. */

/** @param address undefined: it has none, or nobody is there any more */
export function peerOf(address: string | undefined, port: number | undefined): string {
  if (address === undefined) return 'unknown';
  return port === undefined ? address : `${address}:${port}`;
}
