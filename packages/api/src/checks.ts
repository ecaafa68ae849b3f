/**
 * Arguments, checked before anything happens (KK3).
 *
 * CHE1  An unknown name is refused: a misspelt option must not be silently without effect, a misspelt bound must not
 *     delete everything.
 * CHE2  Messages name the argument and say what it may be; they never contain its value (R3).
 */
import { invalidType, outOfRange } from './errors.ts';

/**
 * Refuses anything but an object whose own names are all known.
 * Objects of the platform's classes have no names of their own: a signal or a promise given for options would be
 * silently without effect, so they are told apart by their tag, which other realms share.
 * @param hints what to do instead, for names that are expected by mistake
 */
export function checkNames(
  value: unknown,
  where: string,
  names: readonly string[],
  hints: Readonly<Record<string, string>> = {},
): void {
  if (typeof value !== 'object' || value === null || Object.prototype.toString.call(value) !== '[object Object]') {
    throw invalidType(`${where} must be an object with ${names.join(', ')}`);
  }
  for (const name of Object.keys(value)) {
    if (names.includes(name)) continue;
    const hint = Object.hasOwn(hints, name) ? `; ${hints[name]}` : '';
    throw invalidType(`${where}: there is no ${JSON.stringify(name)}; known are ${names.join(', ')}${hint}`);
  }
}

/** A revision that somebody names: an integer from 1. */
export function checkRevision(value: unknown, name: string): void {
  checkInteger(value, name, 1, Number.MAX_SAFE_INTEGER);
}

/** An integer between two bounds, both included. */
export function checkInteger(value: unknown, name: string, least: number, most: number): void {
  if (typeof value !== 'number') throw invalidType(`${name} must be a number`);
  if (!Number.isInteger(value) || value < least || value > most) {
    throw outOfRange(`${name} must be an integer from ${least} to ${most}`);
  }
}

/** As `checkInteger`, where absent is fine. */
export function checkOptionalInteger(value: unknown, name: string, least: number, most: number): void {
  if (value !== undefined) checkInteger(value, name, least, most);
}

export function checkOptionalBoolean(value: unknown, name: string): void {
  if (value !== undefined && typeof value !== 'boolean') throw invalidType(`${name} must be true or false`);
}

export function checkOptionalFunction(value: unknown, name: string): void {
  if (value !== undefined && typeof value !== 'function') throw invalidType(`${name} must be a function`);
}

/** An absent signal, or one, aborted or not. */
export function checkSignalType(signal: AbortSignal | undefined): void {
  if (signal === undefined || signal instanceof AbortSignal) return;
  // Another realm's, as test environments have them: told by what is used of it.
  const like = signal as Partial<AbortSignal> | null;
  const fits =
    typeof like?.aborted === 'boolean' &&
    typeof like.throwIfAborted === 'function' &&
    typeof like.addEventListener === 'function';
  if (!fits) throw invalidType('signal must be an AbortSignal');
}

/** An absent signal, or one that has not been aborted. @throws the signal's own reason */
export function checkSignal(signal: AbortSignal | undefined): void {
  checkSignalType(signal);
  signal?.throwIfAborted();
}

/** Names and signal of options that have nothing else to check. @param hints as of `checkNames` */
export function checkSignalOptions(
  options: { readonly signal?: AbortSignal | undefined },
  hints?: Readonly<Record<string, string>>,
): void {
  checkNames(options, 'options', signalOnly, hints);
  checkSignal(options.signal);
}

const signalOnly = ['signal'];
