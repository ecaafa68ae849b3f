/**
 * Who this server is: the one member of its cluster, under an id that stays.
 *
 * SVIY1  The member's id is drawn once, with the first start, and kept in the bucket `members` as etcd keeps it: the id in hex,
 *     then name and peer URLs as JSON. The cluster's id follows from it. With a token it is not drawn: it follows from the peer
 *     URLs and the token, as etcd's.
 * SVIY2  Client URLs are not kept: they are what this start listens on, or what it was told to say (C1).
 *
 * etcd: server/etcdserver/api/membership (spec server-api.md 9).
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Backend, WatchableStore } from '@varve/watch';
import type { Bucket } from '../layers.ts';
import { ServerError } from '../errors.ts';

const membersBucket: Bucket = Object.freeze({ id: 10, name: 'members', appendOnly: false });

export interface Member {
  readonly id: bigint;
  readonly name: string;
  readonly peerUrls: readonly string[];
}

/** Who a server is when its store does not say. */
export interface NewMember {
  readonly name: string;
  readonly peerUrls?: readonly string[] | undefined;
  readonly token?: string | undefined;
}

/** The member's row, made when there is none. */
export async function loadMember(
  backend: Pick<Backend, 'concurrentReadTx'>,
  store: WatchableStore,
  { name, peerUrls = ['http://localhost:2380'], token }: NewMember,
): Promise<Member> {
  const rows = await memberRows(backend);
  const found = rows.find((member) => member.name === name) ?? rows[0];
  if (found !== undefined) return found;
  const member = { id: token === undefined ? newId() : idFrom(peerUrls, token), name, peerUrls };
  await storeMember(store, member);
  return member;
}

/** Resolves when it is durable. */
export async function storeMember(store: WatchableStore, member: Member): Promise<void> {
  const row = { id: 0, peerURLs: member.peerUrls, name: member.name };
  // The id has 64 bits, which JSON.stringify cannot write as a number.
  const text = JSON.stringify(row).replace('"id":0', `"id":${member.id}`);
  store.write(({ rows }) => {
    rows.createBucket(membersBucket);
    rows.put(membersBucket, Buffer.from(member.id.toString(16)), Buffer.from(text));
  });
  await store.settled();
}

/** The id of a cluster of this one member. */
export function clusterIdOf(memberId: bigint): bigint {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(memberId);
  return createHash('sha1').update(bytes).digest().readBigUInt64BE(0);
}

async function memberRows(backend: Pick<Backend, 'concurrentReadTx'>): Promise<Member[]> {
  const members: Member[] = [];
  const tx = backend.concurrentReadTx();
  try {
    for await (const rows of tx.scan(membersBucket)) {
      for (const { key, value } of rows) members.push(readMember(key, value));
    }
  } finally {
    tx[Symbol.dispose]();
  }
  return members;
}

function readMember(key: Uint8Array, value: Uint8Array): Member {
  const id = Buffer.from(key).toString('latin1');
  try {
    const row: unknown = JSON.parse(Buffer.from(value).toString());
    if (!/^[0-9a-f]{1,16}$/.test(id) || typeof row !== 'object' || row === null) throw new TypeError('not a member');
    const { name, peerURLs } = row as { readonly name?: unknown; readonly peerURLs?: unknown };
    const isText = (url: unknown): url is string => typeof url === 'string';
    return {
      id: BigInt(`0x${id}`),
      name: typeof name === 'string' ? name : '',
      peerUrls: Array.isArray(peerURLs) ? peerURLs.filter(isText) : [],
    };
  } catch (cause) {
    throw new ServerError(
      'SERVER_DATA',
      `the row ${JSON.stringify(id)} of the bucket members cannot be read: restore the store from a snapshot`,
      { cause },
    );
  }
}

/** etcd: membership/member.go, computeMemberId, of a member that a cluster begins with. */
function idFrom(peerUrls: readonly string[], token: string): bigint {
  return createHash('sha1').update(peerUrls.toSorted().join('')).update(token).digest().readBigUInt64BE(0);
}

/** Never 0, which stands for nobody. */
function newId(): bigint {
  for (;;) {
    const id = randomBytes(8).readBigUInt64BE(0);
    if (id !== 0n) return id;
  }
}
