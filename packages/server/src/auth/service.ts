/**
 * The Auth service: users, roles, the switch, and tokens.
 *
 * SVAS1  Whoever changes or lists something needs the role root, once auth is on; users may look at themselves and at their roles
 *     (spec server-api.md 10.2).
 * SVAS2  A password is hashed before its change is made, and only for those who may make it: bcrypt is no work for strangers.
 * SVAS3  Alarms refuse none of this, and take nothing away from the checks (S213).
 *
 * etcd: server/etcdserver/api/v3rpc/auth.go, server/etcdserver/apply/apply_auth.go.
 */
import { create, type DescMessage, type MessageShape } from '@bufbuild/protobuf';
import {
  AuthDisableResponseSchema,
  AuthEnableResponseSchema,
  AuthenticateResponseSchema,
  AuthRoleAddResponseSchema,
  AuthRoleDeleteResponseSchema,
  AuthRoleGetResponseSchema,
  AuthRoleGrantPermissionResponseSchema,
  AuthRoleListResponseSchema,
  AuthRoleRevokePermissionResponseSchema,
  authService,
  AuthStatusResponseSchema,
  AuthUserAddResponseSchema,
  AuthUserChangePasswordResponseSchema,
  AuthUserDeleteResponseSchema,
  AuthUserGetResponseSchema,
  AuthUserGrantRoleResponseSchema,
  AuthUserListResponseSchema,
  AuthUserRevokeRoleResponseSchema,
  type AuthenticateRequest,
  type AuthenticateResponse,
  type AuthRoleGetRequest,
  type AuthRoleGetResponse,
  type AuthUserAddRequest,
  type AuthUserAddResponse,
  type AuthUserChangePasswordRequest,
  type AuthUserChangePasswordResponse,
  type AuthUserGetRequest,
  type AuthUserGetResponse,
  type ResponseHeader,
} from '@varve/etcd-api';
import type { MethodDefinition } from '@grpc/grpc-js';
import type { WriteTxn } from '@varve/watch';
import { signalOf, sized, type AnyCall, type Calls, type Sized } from '../rpc/calls.ts';
import type { ServerState } from '../server-state.ts';
import type { Asker } from './passwords.ts';
import { placeOf } from '../fair/place.ts';
import type { Caller } from './tokens.ts';

type RowsTx = WriteTxn['rows'];

export function registerAuth(calls: Calls, state: ServerState): void {
  const service = new AuthService(state);
  const { accounts } = state.auth;
  /** Registers a change that an administrator makes, which is all done inside its section. */
  const change = <Request, Schema extends DescMessage>(
    definition: MethodDefinition<Request, MessageShape<Schema>>,
    answer: Schema,
    make: (rows: RowsTx, request: Request) => void,
  ): void => {
    const { path, responseSerialize: write } = definition;
    calls.unary<Sized<Request>, MessageShape<Schema>>(
      { path, read: sized(definition), write },
      async (request, call) => {
        await service.change(request, call, make);
        return service.answer(answer);
      },
    );
  };
  const { authEnable, authDisable, authStatus, authenticate } = authService;
  change(authEnable, AuthEnableResponseSchema, (rows) => {
    if (accounts.enable(rows)) state.auth.switch();
  });
  change(authService.userDelete, AuthUserDeleteResponseSchema, (rows, { name }) => {
    accounts.deleteUser(rows, name);
    state.auth.forget(name);
  });
  change(authService.userGrantRole, AuthUserGrantRoleResponseSchema, (rows, { user, role }) =>
    accounts.grantRole(rows, user, role),
  );
  change(authService.userRevokeRole, AuthUserRevokeRoleResponseSchema, (rows, { name, role }) =>
    accounts.revokeRole(rows, name, role),
  );
  change(authService.roleAdd, AuthRoleAddResponseSchema, (rows, { name }) => accounts.addRole(rows, name));
  change(authService.roleDelete, AuthRoleDeleteResponseSchema, (rows, { role }) => accounts.deleteRole(rows, role));
  change(authService.roleGrantPermission, AuthRoleGrantPermissionResponseSchema, (rows, { name, perm }) =>
    accounts.grantPermission(rows, name, perm),
  );
  change(authService.roleRevokePermission, AuthRoleRevokePermissionResponseSchema, (rows, request) =>
    accounts.revokePermission(rows, request.role, request),
  );
  /** Registers a method that the service has. */
  const unary = <Request, Answer>(
    definition: MethodDefinition<Request, Answer>,
    run: (request: Sized<Request>, call: AnyCall) => Promise<Answer>,
  ): void => {
    const { path, responseSerialize: write } = definition;
    calls.unary<Sized<Request>, Answer>({ path, read: sized(definition), write }, run);
  };
  unary(authDisable, async (request, call) => {
    await service.change(request, call, (rows) => void accounts.disable(rows));
    state.auth.switch();
    return service.answer(AuthDisableResponseSchema);
  });
  unary(authStatus, async () =>
    create(AuthStatusResponseSchema, {
      header: service.header(),
      enabled: state.auth.enabled,
      authRevision: BigInt(accounts.revision),
    }),
  );
  unary(authenticate, ({ message }, call) => service.authenticate(message, call));
  unary(authService.userAdd, (request, call) => service.userAdd(request, call));
  unary(authService.userChangePassword, (request, call) => service.userChangePassword(request, call));
  unary(authService.userGet, ({ message }, call) => service.userGet(message, call));
  unary(authService.roleGet, ({ message }, call) => service.roleGet(message, call));
  unary(authService.userList, async (_request, call) => {
    const users = await service.look(call, (caller) => {
      state.auth.checkAdmin(caller);
      return accounts.userNames();
    });
    return create(AuthUserListResponseSchema, { header: service.header(), users });
  });
  unary(authService.roleList, async (_request, call) => {
    const roles = await service.look(call, (caller) => {
      state.auth.checkAdmin(caller);
      return accounts.roleNames();
    });
    return create(AuthRoleListResponseSchema, { header: service.header(), roles });
  });
}

class AuthService {
  readonly #state: ServerState;

  constructor(state: ServerState) {
    this.#state = state;
  }

  header(): ResponseHeader {
    return this.#state.header.message(this.#state.store.rev());
  }

  /** An answer that says no more than that it was done. */
  answer<Schema extends DescMessage>(schema: Schema): MessageShape<Schema> {
    const answer = create(schema);
    Object.assign(answer, { header: this.header() });
    return answer;
  }

  async change<Request>(
    { message, size }: Sized<Request>,
    call: AnyCall,
    make: (rows: RowsTx, request: Request) => void,
  ): Promise<void> {
    const { auth, limits, writes } = this.#state;
    const caller = await auth.caller(call);
    limits.checkSize(size);
    await writes.section(({ rows }) => {
      auth.checkAdmin(caller);
      make(rows, message);
    });
  }

  /** Looks at what is there, and answers when that is durable. */
  async look<T>(call: AnyCall, see: (caller: Caller) => T): Promise<T> {
    const { auth, writes } = this.#state;
    const caller = await auth.caller(call);
    return writes.run(() => see(caller));
  }

  async authenticate({ name, password }: AuthenticateRequest, call: AnyCall): Promise<AuthenticateResponse> {
    const token = await this.#state.auth.authenticate(name, password, askerOf(call, name));
    return create(AuthenticateResponseSchema, { header: this.header(), token });
  }

  async userAdd(request: Sized<AuthUserAddRequest>, call: AnyCall): Promise<AuthUserAddResponse> {
    const { accounts, passwords } = this.#state.auth;
    const { name, password, options } = request.message;
    const noPassword = options?.noPassword === true;
    const admin = await this.look(call, (caller) => {
      this.#state.auth.checkAdmin(caller);
      accounts.checkNewUser(name);
      if (!noPassword) passwords.check(password);
      return caller.name;
    });
    const hash = noPassword ? '' : await passwords.hash(password, askerOf(call, admin));
    await this.change(request, call, (rows) => accounts.addUser(rows, name, hash, noPassword));
    return this.answer(AuthUserAddResponseSchema);
  }

  async userChangePassword(
    request: Sized<AuthUserChangePasswordRequest>,
    call: AnyCall,
  ): Promise<AuthUserChangePasswordResponse> {
    const { auth } = this.#state;
    const { accounts, passwords } = auth;
    const { name, password } = request.message;
    const admin = await this.look(call, (caller) => {
      auth.checkAdmin(caller);
      passwords.check(password);
      accounts.userOrFail(name);
      return caller.name;
    });
    const hash = await passwords.hash(password, askerOf(call, admin));
    await this.change(request, call, (rows) => {
      accounts.changePassword(rows, name, hash);
      auth.forget(name);
    });
    return this.answer(AuthUserChangePasswordResponseSchema);
  }

  async userGet({ name }: AuthUserGetRequest, call: AnyCall): Promise<AuthUserGetResponse> {
    const { auth } = this.#state;
    const roles = await this.look(call, (caller) => {
      if (caller.name === '' || caller.name !== name) auth.checkAdmin(caller);
      return auth.accounts.userOrFail(name).roles;
    });
    return create(AuthUserGetResponseSchema, { header: this.header(), roles: [...roles] });
  }

  async roleGet({ role }: AuthRoleGetRequest, call: AnyCall): Promise<AuthRoleGetResponse> {
    const { auth } = this.#state;
    const perm = await this.look(call, (caller) => {
      const isOwn = auth.accounts.user(caller.name)?.roles.includes(role) === true;
      if (!isOwn) auth.checkAdmin(caller);
      return auth.accounts.permissionsOf(role);
    });
    return create(AuthRoleGetResponseSchema, { header: this.header(), perm: [...perm] });
  }
}

/** Who waits for a password, under the name that it gives or has shown. */
function askerOf(call: AnyCall, name: string): Asker {
  return { place: placeOf(call.getPeer(), name), signal: signalOf(call) };
}
