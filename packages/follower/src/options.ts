/** What `openFollower` may be told, checked before anything is opened. */
import { checkByteKeys, checkByteRange, invalidType, outOfRange } from '@varve/api/implement';
import {
  checkOptions,
  isBoolean,
  isInteger,
  isNumber,
  isOneOf,
  isSignal,
  type Faults,
  type Rule,
  type Rules,
} from '@varve/base/options';
import { isWorld } from '@varve/base/world';
import type { ByteKv, CaughtUpOptions, FollowClusterOptions } from './contract.ts';

type AnyOptions = FollowClusterOptions<unknown, unknown, unknown>;

const faults: Faults = { type: invalidType, range: outOfRange };
const longestMs = 0x7fffffff;
const isMilliseconds = isNumber('a number of milliseconds from 1', (ms) => ms >= 1 && ms <= longestMs);
const isObject: Rule = { what: 'an object', isKind: (value) => Object(value) === value };
/** Who opens it looks closer. */
const isLocation: Rule = {
  what: 'a path or an engine',
  isKind: (value) => typeof value === 'string' || Object(value) === value,
};

const rules: Rules<AnyOptions> = {
  range: { ...isObject, what: 'a range, as { prefix }' },
  key: { ...isObject, what: 'a codec' },
  value: { ...isObject, what: 'a codec' },
  location: isLocation,
  cacheBytes: isInteger(0),
  elsewhere: isOneOf('source', 'refuse'),
  readYourWrites: isBoolean,
  waitMs: isMilliseconds,
  maxBehindMs: isMilliseconds,
  checkMs: isMilliseconds,
  historyRevisions: isInteger(1),
  retryMs: isMilliseconds,
  signal: isSignal,
  world: isWorld,
  cluster: isObject,
};

const caughtUpRules: Rules<CaughtUpOptions> = { signal: isSignal, waitMs: isMilliseconds };

/** @throws TypeError, RangeError `KV_INVALID` */
export function checkFollow(source: unknown, options: AnyOptions): void {
  if (typeof source === 'string') {
    if (!/^etcds?:\/\//i.test(source))
      throw invalidType('the source must be a name such as etcd://host:2379, or an open store of bytes');
  } else if (typeof (source as { watch?: unknown } | null | undefined)?.watch !== 'function') {
    throw invalidType('the source must be an open store of bytes, or a name such as etcd://host:2379');
  } else {
    checkByteKeys(source as ByteKv, 'the source');
  }
  checkOptions(options, rules, faults);
  if (options.cluster !== undefined && typeof source !== 'string')
    throw invalidType('cluster goes with a name; a store that is given is connected already');
  const { maxBehindMs, checkMs = 1000 } = options;
  if (maxBehindMs !== undefined && maxBehindMs < 2 * checkMs)
    throw outOfRange('maxBehindMs must be at least twice checkMs, which is how exactly it is known');
  checkByteRange(options.range);
}

/** @throws TypeError, RangeError `KV_INVALID` */
export function checkCaughtUp(options: CaughtUpOptions): void {
  checkOptions(options, caughtUpRules, faults);
}
