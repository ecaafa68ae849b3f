/**
 * Who calls, and what it may do. All services ask here.
 *
 *     const caller = auth.enabled ? await auth.caller(call) : NOBODY;      before a call waits for anything
 *     auth.rightsOf(caller)                                               in the tick in which it is carried out
 *
 * SVAU1  Switched off, nobody is asked who it is, and everything is allowed: one boolean is all that a call looks at.
 * SVAU2  Rights are looked at in the order in which changes are made: a permission that was taken away before counts (spec
 *     server-api.md 10.2).
 * SVAU3  A token wins over a certificate, also one that is not valid (S198).
 * SVAU4  A token is given for the password of now: where users or roles have changed while bcrypt was at work, it is compared again.
 *
 * etcd: server/auth/store.go, server/etcdserver/v3_server.go. Departs: a token that was taken back while auth is off is not looked at.
 */
import type { Metadata, ServerUnaryCall } from '@grpc/grpc-js';
import type { Backend } from '@varve/watch';
import type { Writes } from '../state/writes.ts';
import { failures } from '../status.ts';
import { Accounts } from './accounts.ts';
import type { AuthOptions } from './auth-options.ts';
import type { Grants } from './grants.ts';
import { Passwords, type Asker } from './passwords.ts';
import { loadAuth } from './rows.ts';
import { NOBODY, type Caller, type Tokens } from './tokens.ts';

/** What a call says of its client: every call of grpc-js is one. */
export interface Origin {
  readonly metadata: Pick<Metadata, 'get'>;
  getAuthContext(): ReturnType<ServerUnaryCall<unknown, unknown>['getAuthContext']>;
  /** Its address and port, as `1.2.3.4:5678`; other text where it has none. */
  getPeer(): string;
}

/** Passwords that wait at once. */
const MOST_WAITING = 32;

export class Auth {
  readonly accounts: Accounts;
  readonly passwords: Passwords;
  readonly #tokens: Tokens;
  readonly #writes: Writes;
  #enabled: boolean;

  private constructor(accounts: Accounts, passwords: Passwords, tokens: Tokens, writes: Writes) {
    this.accounts = accounts;
    this.passwords = passwords;
    this.#tokens = tokens;
    this.#writes = writes;
    this.#enabled = accounts.enabled;
  }

  /** @throws ServerError `SERVER_DATA` */
  static async load(
    backend: Pick<Backend, 'concurrentReadTx'>,
    writes: Writes,
    { tokens, bcryptCost }: AuthOptions,
  ): Promise<Auth> {
    const accounts = new Accounts(await loadAuth(backend));
    return new Auth(accounts, new Passwords(bcryptCost, MOST_WAITING), tokens, writes);
  }

  /** Whether calls are held to their rights. */
  get enabled(): boolean {
    return this.#enabled;
  }

  /** Who calls, by token or certificate. @throws StatusError for a token that is not valid */
  async caller(origin: Origin): Promise<Caller> {
    if (!this.#enabled) return NOBODY;
    const { revision } = this.accounts;
    const token = tokenOf(origin);
    if (token === undefined) {
      const name = certificateName(origin);
      return name === undefined ? NOBODY : { name, revision };
    }
    const caller = await this.#tokens.read(token, revision);
    if (caller === undefined) throw failures.invalidToken();
    return caller;
  }

  /** What the caller may do with keys; undefined: everything. @throws StatusError for a caller that may do nothing */
  rightsOf({ name, revision }: Caller): Grants | undefined {
    if (!this.#enabled) return undefined;
    const { accounts } = this;
    if (name === '' || revision === 0) throw failures.userEmpty();
    if (revision < accounts.revision) throw failures.oldRevision();
    const user = accounts.user(name);
    if (user === undefined) throw failures.permissionDenied();
    return accounts.isRoot(user) ? undefined : accounts.grantsOf(user);
  }

  /** For what needs somebody, whoever it is. @throws StatusError */
  checkKnown({ name }: Caller): void {
    if (!this.#enabled) return;
    if (name === '') throw failures.userEmpty();
    if (this.accounts.user(name) === undefined) throw failures.permissionDenied();
  }

  /** For what only users with the role root may do. @throws StatusError */
  checkAdmin({ name }: Caller): void {
    if (!this.#enabled) return;
    if (name === '') throw failures.userEmpty();
    if (!this.accounts.isRoot(this.accounts.userOrFail(name))) throw failures.permissionDenied();
  }

  /** Behind a read that took its time: what it was allowed by has not changed. @throws StatusError */
  checkUnchanged({ revision }: Caller): void {
    if (this.#enabled && revision !== 0 && revision !== this.accounts.revision) throw failures.oldRevision();
  }

  /** A token for a name and its password. @throws StatusError */
  async authenticate(name: string, password: string, asker: Asker): Promise<string> {
    for (;;) {
      const revision = await this.#checkPassword(name, password, asker);
      const token = await this.#writes.run(() => {
        if (!this.#enabled) throw failures.authNotEnabled();
        if (revision !== this.accounts.revision) return undefined;
        return this.#tokens.give(name, revision, this.#writes.index);
      });
      if (token !== undefined) return token;
    }
  }

  /** Takes back the tokens of a user who is gone, or has another password. */
  forget(name: string): void {
    this.#tokens.forget(name);
  }

  /** Follows the row: on at once, and off when that is durable (SVAC4). */
  switch(): void {
    if (this.#enabled && !this.accounts.enabled) this.#tokens.forgetAll();
    this.#enabled = this.accounts.enabled;
  }

  close(): Promise<void> {
    return this.passwords.close();
  }

  /** @returns the revision that it was looked up at */
  async #checkPassword(name: string, password: string, asker: Asker): Promise<number> {
    if (!this.#enabled) throw failures.authNotEnabled();
    const { revision } = this.accounts;
    const user = this.accounts.user(name);
    if (user?.noPassword === true) throw failures.noPasswordUser();
    if (!(await this.passwords.matches(password, user?.hash, asker))) throw failures.authenticationFailed();
    return revision;
  }
}

function tokenOf({ metadata }: Origin): string | undefined {
  const [token] = metadata.get('token');
  if (token !== undefined) return token.toString();
  const [authorization] = metadata.get('authorization');
  return authorization?.toString().replace(/^Bearer /, '');
}

/** The common name that the client's certificate has; one that its authority did not sign has never come this far. */
function certificateName(origin: Origin): string | undefined {
  const subject = origin.getAuthContext().sslPeerCertificate?.subject;
  if (subject === undefined || origin.metadata.get('grpcgateway-accept').length > 0) return undefined;
  const names: unknown = subject.CN;
  const name: unknown = Array.isArray(names) ? names.at(-1) : names;
  return typeof name === 'string' && name !== '' ? name : undefined;
}
