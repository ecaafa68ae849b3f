export type { AuthServerOptions } from './auth/auth-options.ts';
export type { JwtOptions } from './auth/jwt-tokens.ts';
export { createServer, type EtcdServer, type ServerOptions } from './create-server.ts';
export { ServerError, type ServerErrorCode } from './errors.ts';
export type { OriginOptions } from './gateway/origins.ts';
export type { Lease, Layers, Lessor } from './layers.ts';
export type { LimitOptions } from './limits.ts';
export type { SlowCall } from './rpc/slow-call.ts';
export type { ListenAddress, TlsOptions } from './transport/listen-options.ts';
