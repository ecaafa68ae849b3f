/**
 * What an open changes before it shows anything: it makes durable what it is going to show, and clears away what nobody needs.
 *
 * LGSE1  The folder first: the image that was read may have its name in memory only, and what it does not name is removed below.
 * LGSE2  The last commit may lie in the page cache only, after a kill between write and sync or a sync that failed, and no later
 *     write would make it durable. So its frame is written again, same bytes, same place, with its segment's header where it is
 *     the first.
 * LGSE3  What is cut off behind the end is kept beside, once. A step that fails leaves a store that opens the next time.
 *     What is cleared away is gone for good before anything is shown, or a crash would bring its warning back.
 * LGSE4  A file that has a second name is somebody else's as well: it is written to in a copy, which takes the name.
 */
import { corruptError } from '../failure.ts';
import { writeAll, type LogFile, type LogFiles } from '../files/log-files.ts';
import { HEADER_BYTES } from '../format/segment-header.ts';
import { aligned } from '../format/seed.ts';
import { ACKED, fileName, isTemporary, TEMPORARY } from '../names.ts';
import { SLOT_DISTANCE, writeSlot } from '../format/acked.ts';
import { AckedFile } from '../write/acked-file.ts';
import { LogWriter } from '../write/log-writer.ts';
import type { Recovered } from './recover.ts';

const STEP = 1 << 20;

export interface Settled {
  readonly writer: LogWriter | undefined;
  readonly acked: AckedFile;
}

/** Rejects with the system's error. */
export async function settle(
  files: LogFiles,
  folder: string,
  storeId: string,
  found: Recovered,
  names: readonly string[],
  warnings: string[],
  segmentBytes: number,
): Promise<Settled> {
  await files.syncFolder(folder);
  let handle: LogFile | undefined;
  let ackedHandle: LogFile | undefined;
  try {
    const { active, last, remains, state } = found;
    let writer: LogWriter | undefined;
    if (last !== undefined && last.file !== active) throw corruptError(last.file.path, 'the log goes on behind it');
    if (active !== undefined) {
      await ownName(files, folder, active.path);
      handle = await files.open(active.path, 'durable');
      if (remains !== undefined) {
        if (!remains.isFooter) await keepTail(files, folder, active.number, handle, active.end, remains.end);
        await handle.truncate(active.end);
        await handle.sync();
      }
      if (last !== undefined) await writeAgain(handle, last.place, last.end);
      active.kept = handle;
      writer = new LogWriter(active, handle, Math.max(handle.size(), active.end), segmentBytes);
    }
    const path = `${folder}/${ACKED}`;
    if (names.includes(ACKED)) await ownName(files, folder, path);
    ackedHandle = await files.open(path, names.includes(ACKED) ? 'update' : 'create');
    const slot = found.acked?.slot ?? 1;
    if (found.acked === undefined) {
      await writeAll(ackedHandle, [writeSlot(storeId, 0), new Uint8Array(SLOT_DISTANCE)], 0);
      await ackedHandle.sync();
      await files.syncFolder(folder);
    }
    const acked = new AckedFile(files.clock, ackedHandle, storeId, found.acked?.commit ?? 0, slot);
    await acked.sync(state.commit);
    const useless = [...found.leftovers, ...names.filter(isTemporary)];
    for (const name of useless) {
      await files.remove(`${folder}/${name}`).catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        warnings.push(`${folder}/${name} is of no use, and cannot be removed (${reason})`);
      });
    }
    if (useless.length > 0) await files.syncFolder(folder);
    return { writer, acked };
  } catch (error) {
    await Promise.allSettled([handle?.close(), ackedHandle?.close()]); // the first error is the one to hear of
    if (found.active !== undefined) found.active.kept = undefined;
    throw error;
  }
}

async function writeAgain(handle: LogFile, place: number, end: number): Promise<void> {
  let at = aligned(HEADER_BYTES) === place ? 0 : place;
  while (at < end) {
    const bytes = new Uint8Array(Math.min(STEP, end - at));
    const read = await handle.readLater(bytes, at);
    if (read < bytes.length) throw Object.assign(new Error('the file has become shorter'), { code: 'EIO' });
    await writeAll(handle, [bytes], at);
    at += read;
  }
}

async function keepTail(
  files: LogFiles,
  folder: string,
  number: number,
  handle: LogFile,
  from: number,
  to: number,
): Promise<void> {
  const temporary = `${folder}/${TEMPORARY}tail-${Buffer.from(files.random(6)).toString('hex')}`;
  await copyInto(files, temporary, handle, from, to);
  await files.rename(temporary, `${folder}/${fileName(number, 'tail')}`);
}

async function ownName(files: LogFiles, folder: string, path: string): Promise<void> {
  if (((await files.details(path))?.links ?? 1) < 2) return;
  const temporary = `${folder}/${TEMPORARY}own-${Buffer.from(files.random(6)).toString('hex')}`;
  const handle = await files.open(path, 'read');
  try {
    await copyInto(files, temporary, handle, 0, handle.size());
  } finally {
    await handle.close();
  }
  await files.rename(temporary, path);
  await files.syncFolder(folder);
}

async function copyInto(files: LogFiles, path: string, from: LogFile, start: number, end: number): Promise<void> {
  const to = await files.open(path, 'create');
  try {
    for (let at = start; at < end; at += STEP) {
      const bytes = new Uint8Array(Math.min(STEP, end - at));
      const read = await from.readLater(bytes, at);
      if (read === 0) break;
      await writeAll(to, [bytes.subarray(0, read)], at - start);
    }
    await to.sync();
  } catch (error) {
    await to.close().catch(() => undefined);
    await files.remove(path).catch(() => undefined); // the next open does
    throw error;
  }
  await to.close();
}
