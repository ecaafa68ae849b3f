import { create } from '@bufbuild/protobuf';
import { PermissionSchema, type Permission_Type } from '@varve/etcd-api';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Grants } from '../src/auth/grants.ts';
import { bytes } from './support/messages.ts';

/** Keys of two letters out of three, so that ranges touch, overlap and leave holes. */
const keys = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 2 });
const ends = fc.oneof(fc.constant(''), fc.constant('\0'), keys, fc.constant('d'));
const all = ['a', 'b', 'c'].flatMap((one) => [one, ...['a', 'b', 'c'].map((two) => one + two)]);
/** What lies between the keys that can be named: just behind each, and behind them all. */
const places = [...all, ...all.map((key) => `${key}\0`), 'cz', 'd', 'zzz'].toSorted();

function isIn(place: string, [key, end]: readonly [string, string]): boolean {
  if (end === '') return place === key;
  return place >= key && (end === '\0' || place < end);
}

test('R110, SVAG1, SVAG2, SVAG3: a range is allowed when each place in it is in some permission of its kind', () => {
  const permission = fc.tuple(fc.constantFrom(0, 1, 2, 9), keys, ends);
  fc.assert(
    fc.property(fc.array(permission, { maxLength: 6 }), keys, ends, (permissions, key, end) => {
      const grants = new Grants(
        permissions.map(([permType, one, rangeEnd]) =>
          create(PermissionSchema, {
            permType: permType as Permission_Type,
            key: bytes(one),
            rangeEnd: bytes(rangeEnd),
          }),
        ),
      );
      const wanted = places.filter((place) => isIn(place, [key, end]));
      // A range that no key is in is another matter.
      fc.pre(wanted.length > 0);
      const allowed = (types: readonly number[]): boolean =>
        wanted.every((place) =>
          permissions.some(([type, one, rangeEnd]) => types.includes(type) && isIn(place, [one, rangeEnd])),
        );
      expect(grants.mayRead(bytes(key), bytes(end))).toBe(allowed([0, 2]));
      expect(grants.mayWrite(bytes(key), bytes(end))).toBe(allowed([1, 2]));
    }),
    { numRuns: 2000 },
  );
});

test('SVAG2: an empty range is allowed as its first key is', () => {
  const grants = new Grants([create(PermissionSchema, { key: bytes('a'), rangeEnd: bytes('c') })]);
  expect(grants.mayRead(bytes('b'), bytes('b'))).toBe(true);
  expect(grants.mayRead(bytes('a'), bytes('a'))).toBe(true);
  expect(grants.mayRead(bytes('b'), bytes('a'))).toBe(true);
  expect(grants.mayRead(bytes('c'), bytes('b'))).toBe(false);
  expect(grants.mayRead(bytes('z'), bytes('y'))).toBe(false);
});
