/**
 * JSON web tokens: signed by a key that others may have too, so several servers can read each other's.
 *
 * SVJW1  The claims are etcd's: `username`, `revision` and `exp`. A token that lacks one of the first two, or has it in another
 *     type, is invalid (S195).
 * SVJW2  Only the configured method is read, whatever the token says of itself.
 * SVJW3  A token ends by its time, in whole seconds, or because users and roles have changed since: nothing takes it back (S194).
 * SVJW4  Whether a key can be used is tried without a look at the time: a token of one second may end while it is tried.
 *
 * etcd: server/auth/jwt.go, options.go (spec server-api.md 10.4).
 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import { now } from '../clock.ts';
import { failures } from '../status.ts';
import type { Caller, Tokens } from './tokens.ts';

const methods = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'HS256', 'HS384', 'HS512', 'EdDSA'],
] as const;

export interface JwtOptions {
  /** `RS`, `PS`, `ES` or `HS` with 256, 384 or 512, or `EdDSA`. */
  readonly signMethod: string;
  /** PEM; of an HS method the secret itself. Without it tokens are read, and none is given. */
  readonly privateKey?: string | Uint8Array | undefined;
  /** PEM of a public key or a certificate. Not needed beside a private key. */
  readonly publicKey?: string | Uint8Array | undefined;
  /** Seconds. @default 300 */
  readonly ttl?: number | undefined;
}

type Key = KeyObject | Uint8Array;

export class JwtTokens implements Tokens {
  readonly #method: string;
  readonly #private: Key | undefined;
  readonly #public: Key;
  readonly #ttl: number;
  readonly #now: () => Date;

  /** @param clock what a calendar says @throws TypeError, RangeError for options */
  constructor({ signMethod, privateKey, publicKey, ttl = 300 }: JwtOptions, clock: () => Date = now) {
    if (!methods.some((one) => one === signMethod)) {
      throw new RangeError(`authToken: ${signMethod} is no sign method; ${methods.join(', ')}`);
    }
    if (!(ttl > 0)) throw new RangeError('authToken: ttl must be seconds, more than 0');
    this.#method = signMethod;
    this.#ttl = ttl;
    this.#now = clock;
    if (signMethod.startsWith('HS')) {
      if (privateKey === undefined || privateKey.length === 0) {
        throw new TypeError(`authToken: ${signMethod} needs a privateKey, its secret`);
      }
      this.#private = Buffer.from(privateKey);
      this.#public = this.#private;
      return;
    }
    const own = privateKey === undefined ? undefined : privateOf(privateKey);
    const other = publicKey === undefined ? undefined : publicOf(publicKey);
    const derived = own === undefined ? undefined : createPublicKey(own);
    const readBy = derived ?? other;
    if (readBy === undefined) throw new TypeError(`authToken: ${signMethod} needs a privateKey or a publicKey`);
    if (derived !== undefined && other !== undefined && !derived.equals(other)) {
      throw new TypeError('authToken: privateKey and publicKey do not belong together');
    }
    this.#private = own;
    this.#public = readBy;
  }

  /** Signs one and reads it. Rejects where the keys are not of the method's kind. */
  async check(): Promise<void> {
    if (this.#private === undefined) return;
    const token = await this.give('', 1).catch((cause: unknown) => {
      throw new TypeError(`authToken: the privateKey cannot sign with ${this.#method}`, { cause });
    });
    if ((await this.#readAt(token, new Date(0))) === undefined)
      throw new TypeError('authToken: a token cannot be read back');
  }

  async give(name: string, revision: number): Promise<string> {
    if (this.#private === undefined) throw failures.verifyOnly();
    return new SignJWT({ username: name, revision })
      .setProtectedHeader({ alg: this.#method, typ: 'JWT' })
      .setExpirationTime(Math.floor(this.#now().getTime() / 1000 + this.#ttl))
      .sign(this.#private);
  }

  read(token: string): Promise<Caller | undefined> {
    return this.#readAt(token, this.#now());
  }

  async #readAt(token: string, currentDate: Date): Promise<Caller | undefined> {
    try {
      const { payload } = await jwtVerify(token, this.#public, { algorithms: [this.#method], currentDate });
      const { username: name, revision } = payload;
      if (typeof name !== 'string' || typeof revision !== 'number' || !Number.isSafeInteger(revision)) return undefined;
      return { name, revision };
    } catch {
      return undefined;
    }
  }

  forget(): void {
    // SVJW3
  }

  forgetAll(): void {
    // SVJW3
  }
}

function privateOf(key: string | Uint8Array): KeyObject {
  try {
    return createPrivateKey(Buffer.from(key));
  } catch (cause) {
    throw new TypeError('authToken: privateKey is not the PEM of a private key', { cause });
  }
}

function publicOf(key: string | Uint8Array): KeyObject {
  try {
    return createPublicKey(Buffer.from(key));
  } catch (cause) {
    throw new TypeError('authToken: publicKey is not the PEM of a public key or a certificate', { cause });
  }
}
