/**
 * The names in a store's folder: LevelDB's, ours, and those that a file system or a desktop puts everywhere.
 *
 * Names are compared without case: some file systems take `manifest-000009` for `MANIFEST-000009`.
 *
 * LevelDB: db/filename.cc.
 */

import { isAside } from '../aside-files.ts';

/** Says what the folder is (`marker.ts`). */
export const MARKER = 'VARVE';
/** Says what was acknowledged (`durable-mark.ts`). */
export const MARK = 'SEQUENCE';
/** Whatever of ours is temporary begins so. LevelDB leaves such names alone. */
const TEMPORARY = '.varve-';
/** Files of a store as they were before LevelDB got the folder (`kept.ts`). */
export const KEPT: string = `${TEMPORARY}kept-`;
/** A store in the making (`create-inside.ts`). */
export const MAKING: string = `${TEMPORARY}made-`;
/** Neither whole nor needed: to be removed by who has the store. */
export const LITTER: string = `${TEMPORARY}temporary-`;

const NUMBERED = /^(?:\d+\.(?:log|ldb|sst|dbtmp)|MANIFEST-\d+)$/i;
const NAMED = new Set(['CURRENT', 'LOCK', 'LOG', 'LOG.OLD', MARKER, MARK]);
/** What a new file system or disk holds, and what desktops leave behind where they looked. */
const HARMLESS = new Set([
  'lost+found',
  '.ds_store',
  '.fseventsd',
  '.spotlight-v100',
  '.trashes',
  '.trash-1000',
  'system volume information',
  '$recycle.bin',
  'thumbs.db',
  'desktop.ini',
]);

/** A file that LevelDB makes, and removes when it needs it no more. */
export function isNumbered(name: string): boolean {
  return NUMBERED.test(name);
}

/** A name that LevelDB or this engine may open or write, now or later. */
export function isOfStore(name: string): boolean {
  return isNumbered(name) || NAMED.has(name.toUpperCase()) || isAside(name);
}

export function isTemporary(name: string): boolean {
  return name.toLowerCase().startsWith(TEMPORARY);
}

/** What a making that was cut short leaves where there is no store. */
export function isLitter(name: string): boolean {
  return name.startsWith(LITTER) || name.startsWith(MAKING);
}

/** A name that says nothing about what a folder is for. */
export function isHarmless(name: string): boolean {
  return HARMLESS.has(name.toLowerCase());
}
