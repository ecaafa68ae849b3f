/**
 * Has LevelDB put what it holds in memory into tables, and finds out whether it did.
 *
 * WM1  LevelDB writes its memory out before it looks for what to compact in a range, and behind all rows there is nothing.
 * WM2  It does not tell when that fails. But it begins a new log first, and removes the one before once all of that lies in
 *     tables: as long as that is there, its rows may be in memory alone.
 *
 * LevelDB: db/db_impl.cc, CompactRange, CompactMemTable.
 */
import type { Level } from '../driver.ts';
import type { Files } from '../files.ts';

/** Behind all rows. */
export const BEHIND: Uint8Array = Uint8Array.of(0xff, 0xff, 0xff);

/** Whether all that was written before the call lies in tables now. Never rejects. */
export async function writeMemory(level: Level, files: Files, path: string): Promise<boolean> {
  try {
    const newest = Math.max(...(await logsIn(files, path)));
    await level.compactRange(BEHIND, BEHIND);
    return (await logsIn(files, path)).every((number) => number > newest);
  } catch {
    return false;
  }
}

async function logsIn(files: Files, path: string): Promise<number[]> {
  const names = await files.names(path);
  return names.filter((name) => /^\d+\.log$/.test(name)).map((name) => Number.parseInt(name, 10));
}
