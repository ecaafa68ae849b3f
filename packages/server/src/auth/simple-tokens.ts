/**
 * Simple tokens: sixteen random letters, a dot and a number, known to this process only.
 *
 * SVSI1  A token lives for the TTL after its last use; it ends with its user, with a new password, when auth is switched off, and
 *     with the server (S180, S181, S192, S193).
 * SVSI2  It carries no revision: whoever shows it counts as up to date (S182).
 * SVSI3  Kept by its hash: how long a lookup takes tells nothing of a token that is somebody else's.
 * SVSI4  Ended ones are gone with the next token that is given or read: what is kept is bounded by what lives (law 9).
 *
 * etcd: server/auth/simple_token.go (spec server-api.md 10.4).
 */
import { createHash, randomInt } from 'node:crypto';
import { nowMs } from '../clock.ts';
import type { Caller, Tokens } from './tokens.ts';

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
const LENGTH = 16;

interface Entry {
  readonly name: string;
  readonly endMs: number;
}

export class SimpleTokens implements Tokens {
  readonly #ttlMs: number;
  /** By hash; the one that ends first is the first. */
  readonly #live: Map<string, Entry> = new Map();

  readonly #nowMs: () => number;

  /** @param clock milliseconds that only go forward */
  constructor(ttlMs: number, clock: () => number = nowMs) {
    this.#ttlMs = ttlMs;
    this.#nowMs = clock;
  }

  async give(name: string, _revision: number, index: number): Promise<string> {
    this.#sweep();
    const token = `${letters()}.${index}`;
    this.#keep(hashOf(token), name);
    return token;
  }

  async read(token: string, revision: number): Promise<Caller | undefined> {
    this.#sweep();
    const hash = hashOf(token);
    const entry = this.#live.get(hash);
    if (entry === undefined) return undefined;
    this.#live.delete(hash);
    this.#keep(hash, entry.name);
    return { name: entry.name, revision };
  }

  forget(name: string): void {
    for (const [hash, entry] of this.#live) {
      if (entry.name === name) this.#live.delete(hash);
    }
  }

  forgetAll(): void {
    this.#live.clear();
  }

  #keep(hash: string, name: string): void {
    this.#live.set(hash, { name, endMs: this.#nowMs() + this.#ttlMs });
  }

  #sweep(): void {
    const now = this.#nowMs();
    for (const [hash, { endMs }] of this.#live) {
      if (endMs > now) return;
      this.#live.delete(hash);
    }
  }
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}

function letters(): string {
  return Array.from({ length: LENGTH }, () => LETTERS[randomInt(LETTERS.length)]).join('');
}
