/**
 * Alarms: a set that is kept over restarts, and refuses writes as long as something is in it.
 *
 * SVAM1  Any member's alarm counts, that of member 0 too. The two kinds are independent of each other (S131).
 * SVAM2  A row of the bucket `alarm` is an AlarmMember, as etcd stores it: the key says all, the value is empty.
 * SVAM3  Activation is complete when its row is durable; it refuses writes from the moment it is made.
 *
 * etcd: server/etcdserver/api/v3alarm/alarms.go (spec server-api.md 8.2). Departs: NONE is not stored, an unknown action is not
 * fatal.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { AlarmMemberSchema, AlarmType, type AlarmMember } from '@varve/etcd-api';
import type { Backend } from '@varve/watch';
import type { Bucket } from '../layers.ts';
import { failures } from '../status.ts';
import type { Writes } from './writes.ts';

/** The bucket is known by its name. */
const alarmBucket: Bucket = Object.freeze({ id: 4, name: 'alarm', appendOnly: false });
const NO_BYTES = new Uint8Array(0);

export class Alarms {
  readonly #writes: Writes;
  /** By their row's key. */
  readonly #raised: Map<string, AlarmMember> = new Map();
  #noSpace = false;
  #corrupt = false;

  private constructor(writes: Writes) {
    this.#writes = writes;
  }

  static async load(backend: Pick<Backend, 'concurrentReadTx'>, writes: Writes): Promise<Alarms> {
    const alarms = new Alarms(writes);
    const tx = backend.concurrentReadTx();
    try {
      for await (const rows of tx.scan(alarmBucket)) {
        for (const { key } of rows) alarms.#add(fromBinary(AlarmMemberSchema, key));
      }
    } finally {
      tx[Symbol.dispose]();
    }
    return alarms;
  }

  /** Those of a kind; NONE: all. */
  list(kind: AlarmType): AlarmMember[] {
    return [...this.#raised.values()].filter(({ alarm }) => kind === AlarmType.NONE || alarm === kind);
  }

  has(memberID: bigint, alarm: AlarmType): boolean {
    return this.list(alarm).some((one) => one.memberID === memberID);
  }

  /** Refuses what an alarm forbids. @param grows whether the write takes space */
  check(grows: boolean): void {
    if (this.#corrupt) throw failures.corrupt();
    if (this.#noSpace && grows) throw failures.noSpace();
  }

  async activate(memberID: bigint, alarm: AlarmType): Promise<AlarmMember[]> {
    if (alarm === AlarmType.NONE) return [];
    const member = create(AlarmMemberSchema, { memberID, alarm });
    const key = toBinary(AlarmMemberSchema, member);
    await this.#writes.section(({ rows }) => {
      rows.createBucket(alarmBucket);
      rows.put(alarmBucket, key, NO_BYTES);
      this.#add(member);
    });
    return [member];
  }

  async deactivate(memberID: bigint, alarm: AlarmType): Promise<AlarmMember[]> {
    const key = toBinary(AlarmMemberSchema, create(AlarmMemberSchema, { memberID, alarm }));
    return this.#writes.section(({ rows }) => {
      const member = this.#raised.get(nameOf(key));
      if (member === undefined) return [];
      rows.delete(alarmBucket, key);
      this.#raised.delete(nameOf(key));
      this.#judge();
      return [member];
    });
  }

  #add(member: AlarmMember): void {
    this.#raised.set(nameOf(toBinary(AlarmMemberSchema, member)), member);
    this.#judge();
  }

  #judge(): void {
    this.#noSpace = this.list(AlarmType.NOSPACE).length > 0;
    this.#corrupt = this.list(AlarmType.CORRUPT).length > 0;
  }
}

function nameOf(key: Uint8Array): string {
  return Buffer.from(key).toString('hex');
}
