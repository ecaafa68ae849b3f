/** A segment that power or an error took before its first commit was whole: it holds nothing, and stands in nobody's way. */
import { expect, test } from 'vitest';
import { LogDisk, logEngineOn, seeded } from './log-disk.ts';
import { records, revision } from './log-support.ts';

const PATH = '/store';
const options = { segmentBytes: 4096 } as const;
const row = (main: number) => ({
  type: 'put' as const,
  bucket: records,
  key: revision(main),
  value: new Uint8Array(900).fill(main),
});

/** A store that died when so many bytes of a new segment were written, with everything before acknowledged. */
async function diedInASegment(bytes: number): Promise<{ disk: LogDisk; segment: string; acked: number }> {
  const disk = new LogDisk();
  const engine = await logEngineOn(disk, PATH, options);
  await engine.commit([{ type: 'createBucket', bucket: records }]);
  const segments = new Set<string>();
  disk.before = ({ kind, path }) => {
    if (kind !== 'write' || !path.endsWith('.log')) return undefined;
    const isNew = segments.size > 0 && !segments.has(path);
    segments.add(path);
    return isNew ? 'crash' : undefined;
  };
  let acked = 0;
  for (let main = 1; !disk.isDead; main += 1) {
    await engine.commit([row(main)]).then(
      () => (acked = main),
      () => undefined,
    );
  }
  await engine.close();
  const segment = [...segments].at(-1)!;
  const files = disk.files();
  files.set(segment, files.get(segment)!.subarray(0, bytes));
  return { disk: LogDisk.holding(files), segment, acked };
}

/** Nothing, half a header, a header, a header and part of a frame; and how the next life ends. */
const cases = [0, 30, 64, 90].flatMap((bytes) => [[bytes, 'closed'] as const, [bytes, 'killed'] as const]);

test.each(cases)(
  "G29 law 7 a segment of %i bytes that cannot be removed stands in nobody's way (%s)",
  async (bytes, end) => {
    const { disk: first, segment, acked } = await diedInASegment(bytes);
    let disk = first;
    const withFault = (): void => {
      disk.before = ({ kind, path }) => (kind === 'remove' && path === segment ? 'EIO' : undefined);
    };
    for (let opening = 0; opening < 3; opening += 1) {
      withFault();
      const engine = await logEngineOn(disk, PATH, options);
      expect(engine.warnings?.join()).toContain('is of no use, and cannot be removed');
      const next = acked + 1 + opening;
      expect(engine.get(records, revision(next - 1))?.[0]).toBe(next - 1);
      await engine.commit([row(next)]);
      const left = disk.afterDeath();
      await engine.close();
      if (end === 'killed') disk = left;
    }
    disk.before = undefined;
    const engine = await logEngineOn(disk, PATH, { ...options, verify: true });
    for (let main = 1; main <= acked + 3; main += 1) expect(engine.get(records, revision(main))?.[0]).toBe(main);
    await engine.close();
    expect([...disk.files().keys()]).not.toContain(segment);
  },
);

test.each([0, 30])(
  'G29 a segment of %i bytes that an opening has cleared away does not come back, whatever power does',
  async (bytes) => {
    const disk = new LogDisk();
    const engine = await logEngineOn(disk, PATH, options);
    await engine.commit([{ type: 'createBucket', bucket: records }]);
    await engine.close();
    const unborn = `${PATH}/0000000002.log`;
    const begun = LogDisk.holding(new Map([...disk.files(), [unborn, Buffer.alloc(bytes, 'varve')]]));
    await (await logEngineOn(begun, PATH, options)).close();
    for (let seed = 1; seed <= 20; seed += 1) {
      const left = begun.crash(seeded(seed));
      expect([...left.files().keys()]).not.toContain(unborn);
      await (await logEngineOn(left, PATH, options)).close();
    }
  },
);
