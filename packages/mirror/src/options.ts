/** The options of a mirror and of a comparison, checked before anything happens. */
import type { Range } from '@varve/api';
import { checkByteKeys, checkByteRange, invalidType, outOfRange } from '@varve/api/implement';
import { hexOf } from '@varve/base/hex';
import {
  check,
  checkOptions,
  isInteger,
  isNumber,
  isSignal,
  type Faults,
  type Rule,
  type Rules,
} from '@varve/base/options';
import { isWorld } from '@varve/base/world';
import type { CompareStoresOptions } from './compare-stores.ts';
import type { ByteKv, MirrorOptions } from './contract.ts';

const faults: Faults = { type: invalidType, range: outOfRange };
const rangeNames = ['prefix', 'start', 'end'] as const;
const isMilliseconds = isNumber('a number of milliseconds from 1', (ms) => ms >= 1);
const isName: Rule = {
  what: 'a text that is not empty',
  isKind: (value) => typeof value === 'string' && value !== '',
};
const isStore: Rule = { what: 'an open store', isKind: (value) => typeof Object(value).txn === 'function' };
/** What it holds is looked at by name, which says more. */
const isRange: Rule = { what: 'a range, as { prefix }', isKind: (value) => Object(value) === value };

const mirrorRules: Rules<MirrorOptions> = {
  range: isRange,
  name: isName,
  maxOps: isInteger(1, 100_000),
  maxBytes: isInteger(1),
  retryMs: isMilliseconds,
  bookmarkMs: isMilliseconds,
  signal: isSignal,
  world: isWorld,
};
const compareRules: Rules<CompareStoresOptions> = { range: isRange, keep: isInteger(0), signal: isSignal };

/** @throws TypeError, RangeError `KV_INVALID` */
export function checkMirror(from: unknown, to: unknown, options: MirrorOptions): void {
  checkStore(from, 'from');
  checkStore(to, 'to');
  // What is written would be read again, and written again.
  if (from === to) throw invalidType('to must be another store than from');
  checkOptions(options, mirrorRules, faults);
  checkByteRange(options.range);
}

/** @throws TypeError, RangeError `KV_INVALID` */
export function checkCompare(first: unknown, second: unknown, options: CompareStoresOptions): void {
  checkStore(Object(first).store, 'first.store');
  checkStore(Object(second).store, 'second.store');
  checkOptions(options, compareRules, faults);
  checkByteRange(options.range);
}

function checkStore(store: unknown, name: string): void {
  check(store, name, isStore, faults);
  checkByteKeys(store as ByteKv, name);
}

/** A range as one text. */
export function rangeText(range: Range<Uint8Array>): string {
  return rangeNames
    .map((name) => (range[name] === undefined ? '' : `${name}:${hexOf(range[name])}`))
    .join(' ')
    .trim();
}
