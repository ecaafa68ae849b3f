/**
 * Where somebody's work waits for its turn.
 *
 * SVPE1  A place is made of what costs a stranger something, the dearest first: an address, a connection, a name. A name that there is not
 *     makes as good a place as one that there is, so that waiting tells nothing of users (R113).
 * SVPE2  Whoever has one address of IPv6 has all that begin with its first half: they count as one.
 */
import type { Place } from './waiting-line.ts';

/** @param peer such as `1.2.3.4:5678` @param name that was given, such as a user's */
export function placeOf(peer: string, name: string): Place {
  return [networkOf(peer), peer, name];
}

/** The address without its port; of one of IPv6 the first half. */
function networkOf(peer: string): string {
  const address = peer.replace(/:\d+$/, '').replace(/^::ffff:(?=\d+\.)/, '');
  if (!address.includes(':')) return address;
  const [front = '', behind] = address.split('::');
  const groups = partsOf(front);
  const rest = partsOf(behind ?? '');
  const zeros = Array.from({ length: Math.max(0, 8 - groups.length - rest.length) }, () => '0');
  return [...groups, ...zeros, ...rest].slice(0, 4).join(':');
}

function partsOf(text: string): readonly string[] {
  return text === '' ? [] : text.split(':');
}
