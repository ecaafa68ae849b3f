/**
 * The members that are known, and which of them is asked.
 *
 * MBS1  One is asked until it fails; then the next one in the list is. So a client has one connection, and members that fail are left.
 * MBS2  Where the member list is followed, members of the name stay: who changed the list wrongly does not lock its clients out.
 */
import type { Clock } from '@varve/base/clock';
import { Member, type Dialing } from './member.ts';

export class Members {
  readonly #dialing: Dialing;
  readonly #clock: Clock;
  readonly #named: readonly string[];
  #all: readonly Member[];
  #current: Member;

  /** @param named at least one @param first which one is asked first, by its place */
  constructor(named: readonly string[], dialing: Dialing, clock: Clock, first: number) {
    this.#dialing = dialing;
    this.#clock = clock;
    this.#named = named;
    this.#all = named.map((address) => new Member(address, dialing, clock));
    this.#current = this.#all[first % this.#all.length]!;
  }

  get current(): Member {
    return this.#current;
  }

  get count(): number {
    return this.#all.length;
  }

  /** The member has failed: the next one is asked, unless somebody has turned to another already. */
  failed(member: Member): void {
    if (member !== this.#current) return;
    const at = this.#all.indexOf(member);
    this.#current = this.#all[(at + 1) % this.#all.length]!;
  }

  /** These are the members now. */
  follow(addresses: readonly string[]): void {
    const wanted = [...new Set([...this.#named, ...addresses])];
    const known = new Map(this.#all.map((member) => [member.address, member]));
    this.#all = wanted.map((address) => known.get(address) ?? new Member(address, this.#dialing, this.#clock));
    for (const member of known.values()) {
      if (this.#all.includes(member)) continue;
      if (member === this.#current) this.#current = this.#all[0]!;
      member.close();
    }
  }

  /** Addresses, as they are asked. */
  get addresses(): readonly string[] {
    return this.#all.map(({ address }) => address);
  }

  close(): void {
    for (const member of this.#all) member.close();
  }
}
