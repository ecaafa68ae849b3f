/**
 * The options of `varve serve`, read and checked before anything is opened.
 *
 * VSO1  Files that options name are read here: a wrong one leaves the store as it is (R94).
 * VSO2  Without TLS it listens on this machine only, unless it is told by name to do otherwise (R95). A Unix socket is of this machine.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { AuthServerOptions, TlsOptions } from '@varve/server';
import { readAuthToken } from './auth-token.ts';
import { isAddress, readSocketPath } from './etcd/addresses.ts';
import { UsageError } from './failures.ts';

export type EngineName = 'level' | 'log' | 'file' | 'memory';

export interface ServeOptions {
  readonly data: string;
  readonly listen: ListenPlace;
  /** Not given: what the folder is, or the default of a new one. */
  readonly engine: EngineName | undefined;
  readonly tls: TlsOptions | undefined;
  readonly auth: AuthServerOptions;
  /** Origins of web pages that may call; undefined: none. */
  readonly cors: readonly string[] | undefined;
  /** Names of hosts under which it is called without TLS; undefined: as the server has it. */
  readonly hostWhitelist: readonly string[] | undefined;
}

/** Where clients find it. */
export type ListenPlace = { readonly host: string; readonly port: number } | { readonly path: string };

const loopback = new Set(['127.0.0.1', '::1', 'localhost']);

/** Whether only programs on this machine can reach it. */
export function isLoopback(host: string): boolean {
  return loopback.has(host) || (host.startsWith('127.') && isAddress(host));
}

/** @throws UsageError; Error for a file that cannot be read */
export function readServeOptions(args: readonly string[]): ServeOptions {
  const flags = parse(args);
  const { data, listen, engine, insecure, cert, key, 'client-ca': clientCa } = flags;
  if (data === '') throw new UsageError('--data: the path of a folder is missing');
  const place = address(listen, cert !== undefined);
  if (engine !== undefined && engine !== 'level' && engine !== 'log' && engine !== 'file' && engine !== 'memory') {
    throw new UsageError(`--engine ${engine}: there is no such engine; level, log, file or memory`);
  }
  if ((cert === undefined) !== (key === undefined)) throw new UsageError('--cert and --key go together');
  if (clientCa !== undefined && cert === undefined) throw new UsageError('--client-ca goes with --cert and --key');
  if (cert === undefined && 'host' in place && !isLoopback(place.host) && insecure !== true) {
    throw new UsageError(`--listen ${listen}: others can reach it, so give --cert and --key, or --insecure`);
  }
  const tls =
    cert === undefined || key === undefined
      ? undefined
      : {
          cert: readNamed('--cert', cert),
          key: readNamed('--key', key),
          clientCa: clientCa === undefined ? undefined : readNamed('--client-ca', clientCa),
        };
  const auth = {
    authToken: readAuthToken('--auth-token', flags['auth-token'], readFileSync),
    authTokenTtl: number('--auth-token-ttl', flags['auth-token-ttl'], 1, 2 ** 31),
    bcryptCost: number('--bcrypt-cost', flags['bcrypt-cost'], 4, 31),
  };
  const callers = { cors: origins(flags.cors), hostWhitelist: list(flags['host-whitelist']) };
  return { data, listen: place, engine, tls, auth, ...callers };
}

/** Parts between commas. */
function list(text: string | undefined): readonly string[] | undefined {
  return text?.split(',').map((part) => part.trim());
}

/** Another one would be taken, and never be that of a page. */
function origins(text: string | undefined): readonly string[] | undefined {
  const given = list(text);
  const wrong = given?.find((one) => one !== '*' && one !== 'null' && !/^[a-z][a-z\d+.-]*:\/\/[^/\s]+$/i.test(one));
  if (wrong === undefined) return given;
  throw new UsageError(`--cors ${wrong}: an origin, such as https://example.com, with nothing behind the host; or *`);
}

interface Flags {
  readonly data: string;
  readonly listen: string;
  readonly engine?: string | undefined;
  readonly insecure?: boolean | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly 'client-ca'?: string | undefined;
  readonly 'auth-token': string;
  readonly 'auth-token-ttl': string;
  readonly 'bcrypt-cost': string;
  readonly cors?: string | undefined;
  readonly 'host-whitelist'?: string | undefined;
}

function parse(args: readonly string[]): Flags {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        data: { type: 'string', default: './varve-data' },
        listen: { type: 'string', default: '127.0.0.1:2379' },
        engine: { type: 'string' },
        insecure: { type: 'boolean' },
        cert: { type: 'string' },
        key: { type: 'string' },
        'client-ca': { type: 'string' },
        'auth-token': { type: 'string', default: 'simple' },
        'auth-token-ttl': { type: 'string', default: '300' },
        'bcrypt-cost': { type: 'string', default: '10' },
        cors: { type: 'string' },
        'host-whitelist': { type: 'string' },
      },
    });
    const [stray] = positionals;
    if (stray !== undefined) throw new UsageError(`${stray}: no option stands before it; a folder is --data ${stray}`);
    return values;
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function address(text: string, hasCertificate: boolean): ListenPlace {
  const [, scheme] = /^(unixs?):\/\//.exec(text) ?? [];
  if (scheme !== undefined) {
    if (scheme === 'unixs' && !hasCertificate) throw new UsageError(`--listen ${text}: TLS needs --cert and --key`);
    if (scheme === 'unix' && hasCertificate) {
      throw new UsageError(`--listen ${text}: --cert is for TLS: write unixs://, or leave --cert and --key out`);
    }
    return { path: readSocketPath('listen', text) };
  }
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw new UsageError(`--listen ${text}: HOST:PORT, such as 127.0.0.1:2379, or unix:///PATH`);
  }
  return { host: match[1] ?? match[2] ?? '', port };
}

function number(option: string, text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) {
    throw new UsageError(`${option} ${text}: a whole number from ${least} to ${most}`);
  }
  return value;
}

/** The file that an option names. @throws Error when it cannot be read */
export function readNamed(option: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${option} ${path}: cannot be read (${why})`, { cause });
  }
}
