/**
 * Answers of the KV service, and how they are written: straight from the store's records, with nothing in between.
 *
 * SVKW1  Fields are written last one first (backward-writer.ts), lists from their end, so a reader meets them in order.
 * SVKW2  An answer's records are the store's own: shared, and not written to.
 */
import type { KeyValue } from '@varve/watch';
import { writer, type BackwardWriter } from './backward-writer.ts';
import { writeInnerHeader, type Header } from './header.ts';

export interface RangeAnswer {
  readonly type: 'range';
  readonly revision: number;
  readonly kvs: readonly KeyValue[];
  /** Values are left out. */
  readonly keysOnly: boolean;
  readonly more: boolean;
  readonly count: number;
}

export interface PutAnswer {
  readonly type: 'put';
  readonly revision: number;
  readonly previous: KeyValue | undefined;
}

export interface DeleteAnswer {
  readonly type: 'delete';
  readonly revision: number;
  readonly deleted: number;
  readonly previous: readonly KeyValue[];
}

export interface TxnAnswer {
  readonly type: 'txn';
  readonly revision: number;
  readonly succeeded: boolean;
  readonly responses: readonly OpAnswer[];
}

export type OpAnswer = RangeAnswer | PutAnswer | DeleteAnswer | TxnAnswer;

/** The fields of a KeyValue, without tag and length. */
export function writeKeyValue(out: BackwardWriter, kv: KeyValue, keysOnly: boolean): void {
  out.int64(6, kv.lease);
  if (!keysOnly) out.bytes(5, kv.value);
  out.uint(4, kv.version);
  out.uint(3, kv.modRevision);
  out.uint(2, kv.createRevision);
  out.bytes(1, kv.key);
}

function writeRecord(out: BackwardWriter, field: number, kv: KeyValue, keysOnly = false): void {
  const end = out.length;
  writeKeyValue(out, kv, keysOnly);
  out.close(field, end);
}

function writeRecords(out: BackwardWriter, field: number, kvs: readonly KeyValue[], keysOnly = false): void {
  for (let at = kvs.length - 1; at >= 0; at--) writeRecord(out, field, kvs[at]!, keysOnly);
}

/** Everything of an answer but its header. */
function writeBody(out: BackwardWriter, answer: OpAnswer): void {
  switch (answer.type) {
    case 'range':
      out.uint(4, answer.count);
      out.flag(3, answer.more);
      writeRecords(out, 2, answer.kvs, answer.keysOnly);
      break;
    case 'put':
      if (answer.previous !== undefined) writeRecord(out, 2, answer.previous);
      break;
    case 'delete':
      writeRecords(out, 3, answer.previous);
      out.uint(2, answer.deleted);
      break;
    case 'txn':
      for (let at = answer.responses.length - 1; at >= 0; at--) writeOp(out, answer.responses[at]!);
      out.flag(2, answer.succeeded);
      break;
    default:
      answer satisfies never;
  }
}

const fieldOf: Readonly<Record<OpAnswer['type'], number>> = { range: 1, put: 2, delete: 3, txn: 4 };

/** A ResponseOp, as an element of a transaction's field 3. */
function writeOp(out: BackwardWriter, answer: OpAnswer): void {
  const end = out.length;
  writeBody(out, answer);
  writeInnerHeader(out, answer.type === 'txn' ? 0 : answer.revision);
  out.close(fieldOf[answer.type], end);
  out.close(3, end);
}

/** The whole answer of a call. */
export function encodeAnswer(header: Header, answer: OpAnswer): Buffer {
  const out = writer.begin();
  writeBody(out, answer);
  header.write(out, answer.revision);
  return out.take();
}

/** A piece of a streamed range: only the last one has header, `more` and `count`. */
export function encodeStreamedRange(header: Header, answer: RangeAnswer, isLast: boolean): Buffer {
  const out = writer.begin();
  if (isLast) writeBody(out, answer);
  else writeRecords(out, 2, answer.kvs, answer.keysOnly);
  if (isLast) header.write(out, answer.revision);
  out.close(1, 0);
  return out.take();
}
