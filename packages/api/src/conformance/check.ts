/** Comparing what came with what was wanted, without a test runner. */
import { codeOf, type KvCode } from '../errors.ts';

/** @throws Error that shows both, when they differ in a value, a field or an element; an absent field is as an undefined one */
export function equal(actual: unknown, wanted: unknown, what: string): void {
  if (!same(actual, wanted)) throw new Error(`${what}: wanted ${show(wanted)}, got ${show(actual)}`);
}

/** @throws Error unless the statement is true */
export function holds(statement: boolean, what: string): void {
  if (!statement) throw new Error(what);
}

/**
 * The code of what `work` throws or rejects with.
 * @throws Error when it does neither, or throws something that has no code of a `Kv`
 */
export async function refusal(work: () => unknown, what: string): Promise<KvCode> {
  try {
    await work();
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined)
      throw new Error(`${what}: an error without a code of a Kv: ${String(error)}`, { cause: error });
    return code;
  }
  throw new Error(`${what}: it should have been refused`);
}

/** As `refusal`, for all of it: each call ends with `code`. */
export async function refused(code: KvCode, calls: Readonly<Record<string, () => unknown>>): Promise<void> {
  for (const [what, call] of Object.entries(calls)) equal(await refusal(call, what), code, what);
}

/** What `work` throws or rejects with. */
export async function thrown(work: () => unknown, what: string): Promise<unknown> {
  try {
    await work();
  } catch (error) {
    return error;
  }
  throw new Error(`${what}: it should have failed`);
}

function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].every((name) => same(left[name], right[name]));
}

function show(value: unknown): string {
  const text = JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? `${inner}n` : inner));
  return text === undefined ? String(value) : text.length > 1000 ? `${text.slice(0, 1000)}...` : text;
}
