/** Which tokens a server gives, and how hard its passwords are: checked before anything is opened. */
import { JwtTokens, type JwtOptions } from './jwt-tokens.ts';
import { SimpleTokens } from './simple-tokens.ts';
import type { Tokens } from './tokens.ts';

export interface AuthServerOptions {
  /** Tokens that this process alone knows, or ones that are signed. @default 'simple' */
  readonly authToken?: 'simple' | JwtOptions | undefined;
  /** How long a simple token lives after its last use, in seconds. @default 300 */
  readonly authTokenTtl?: number | undefined;
  /** Of a password's hash, as a power of two, 4 to 31: one more takes twice as long. @default 10 */
  readonly bcryptCost?: number | undefined;
}

export interface AuthOptions {
  readonly tokens: Tokens;
  readonly bcryptCost: number;
}

/** Rejects with a TypeError or RangeError for what cannot be. */
export async function readAuthOptions(options: AuthServerOptions): Promise<AuthOptions> {
  const { authToken = 'simple', authTokenTtl = 300, bcryptCost = 10 } = options;
  if (!(authTokenTtl > 0)) throw new RangeError('authTokenTtl must be seconds, more than 0');
  if (!Number.isInteger(bcryptCost) || bcryptCost < 4 || bcryptCost > 31) {
    throw new RangeError('bcryptCost: not a whole number from 4 to 31');
  }
  if (authToken === 'simple') return { tokens: new SimpleTokens(authTokenTtl * 1000), bcryptCost };
  if (typeof authToken !== 'object')
    throw new TypeError("authToken must be 'simple', or the options of JSON web tokens");
  const tokens = new JwtTokens(authToken);
  await tokens.check();
  return { tokens, bcryptCost };
}
