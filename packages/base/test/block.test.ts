/** Law 3: bytes that were handed out are never written again, however places are reserved. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Blocks, newBlock } from '../src/block.ts';

test('places do not overlap, and larger ones are alone in their block', () => {
  const step = fc.record({ bytes: fc.nat(80), copy: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const blocks = new Blocks(128, 40);
      const parts: { readonly view: Uint8Array; readonly mark: number }[] = [];
      for (const [i, { bytes, copy }] of steps.entries()) {
        const mark = i + 1;
        if (copy) {
          parts.push({ view: blocks.copy(new Uint8Array(bytes).fill(mark)), mark });
          continue;
        }
        const start = blocks.reserve(bytes);
        const view = blocks.block.subarray(start, start + bytes);
        expect(view.length).toBe(bytes);
        view.fill(mark);
        parts.push({ view, mark });
        if (bytes > 40) expect(blocks.block.length).toBe(bytes);
      }
      for (const { view, mark } of parts) expect(view.every((byte) => byte === mark)).toBe(true);
    }),
  );
});

test('small places share a block, and a large one between them does not end it', () => {
  const blocks = new Blocks(1024);
  const first = blocks.copy(new Uint8Array(100));
  const large = blocks.copy(new Uint8Array(600));
  const second = blocks.copy(new Uint8Array(100));
  expect(second.buffer).toBe(first.buffer);
  expect(second.byteOffset).toBe(100);
  expect([large.byteOffset, large.buffer.byteLength]).toEqual([0, 600]);
});

test('a block has its buffer to itself', () => {
  for (const bytes of [0, 1, 100, 5000]) {
    const block = newBlock(bytes);
    expect([block.length, block.byteOffset, block.buffer.byteLength]).toEqual([bytes, 0, bytes]);
  }
});
