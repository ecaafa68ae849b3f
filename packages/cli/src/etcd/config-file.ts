/**
 * `--config-file`: the flags as a file of YAML, as far as such files go.
 *
 *     name: a                        # one flag a line; its value bare, in quotes, or a list in one line
 *     log-outputs: [stderr]
 *     client-transport-security:
 *       cert-file: server.crt        # --cert-file; below peer-transport-security it would be --peer-cert-file
 *
 * ECF1  What is not one of these lines is refused with its number: nothing is read otherwise than it was meant. JSON is read whole.
 * ECF2  As etcd: with a file, other flags and variables do not count; a name that is no flag is told in the log. In the two sections, which
 *     are about security, it is refused (EFL1).
 * ECF3  As etcd's, durations without a unit are nanoseconds.
 *
 * etcd: embed/config.go, configFromFile; etcd.conf.yml.sample.
 */
import { UsageError } from '../failures.ts';
import type { FlagKind } from './flag.ts';

export interface Setting {
  /** Of a flag, when there is one with that name. */
  readonly name: string;
  readonly value: string;
  /** Such as `line 3`. */
  readonly where: string;
  readonly inSection: boolean;
}

/** Sections, and what comes before the names in them. */
const sections: ReadonlyMap<string, string> = new Map([
  ['client-transport-security', ''],
  ['peer-transport-security', 'peer-'],
]);

/** @throws UsageError */
export function readConfigFile(text: string): readonly Setting[] {
  return text.trimStart().startsWith('{') ? fromJson(text) : fromLines(text);
}

/** A value of the file, as it would stand behind its flag. */
export function asFlag(kind: FlagKind, value: string): string {
  return kind === 'duration' && /^-?\d+$/.test(value) && value !== '0' ? `${value}ns` : value;
}

function fromLines(text: string): readonly Setting[] {
  const settings: Setting[] = [];
  let section: string | undefined;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const where = `line ${index + 1}`;
    if (/^\s*(#.*)?$/.test(line) || (line.trimEnd() === '---' && settings.length === 0)) continue;
    const match = /^( *)([A-Za-z0-9-]+):(?:\s+(.*))?$/.exec(line);
    if (match === null) throw wrong(where);
    const [, indent = '', name = '', written = ''] = match;
    const value = scalar(written, where);
    const prefix = sections.get(name);
    if (indent === '') {
      section = prefix;
      if (prefix !== undefined && value !== '') throw wrong(where);
      if (prefix === undefined) settings.push({ name, value, where, inSection: false });
    } else {
      if (section === undefined) throw wrong(where);
      settings.push({ name: section + name, value, where, inSection: true });
    }
  }
  return settings;
}

function scalar(written: string, where: string): string {
  const text = written.trim();
  const double = /^("(?:[^"\\]|\\.)*")\s*(?:#.*)?$/.exec(text)?.[1];
  if (double !== undefined) {
    try {
      return String(JSON.parse(double));
    } catch {
      throw wrong(where);
    }
  }
  const single = /^'((?:[^']|'')*)'\s*(?:#.*)?$/.exec(text)?.[1];
  if (single !== undefined) return single.replaceAll("''", "'");
  const list = /^\[([^[\]{}]*)\]\s*(?:#.*)?$/.exec(text)?.[1];
  if (list !== undefined) {
    return list.trim() === ''
      ? ''
      : list
          .split(',')
          .map((part) => scalar(part, where))
          .join(',');
  }
  const bare = text.replace(/(^|\s)#.*$/, '').trimEnd();
  if (/^[[\]{}&*!|>%@`"',?-]/.test(bare) && !/^-\d/.test(bare)) throw wrong(where);
  if (bare.includes(': ')) throw wrong(where);
  return bare === 'null' || bare === '~' ? '' : bare;
}

function fromJson(text: string): readonly Setting[] {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch (cause) {
    throw new UsageError(`it begins as JSON and is none (${cause instanceof Error ? cause.message : ''})`, { cause });
  }
  const settings: Setting[] = [];
  for (const [name, value] of Object.entries(file as Readonly<Record<string, unknown>>)) {
    const prefix = sections.get(name);
    if (prefix === undefined) settings.push({ name, value: plain(value, name), where: name, inSection: false });
    else if (typeof value === 'object' && value !== null) {
      for (const [inner, one] of Object.entries(value)) {
        settings.push({ name: prefix + inner, value: plain(one, inner), where: inner, inSection: true });
      }
    }
  }
  return settings;
}

function plain(value: unknown, where: string): string {
  if (value === null) return '';
  if (Array.isArray(value)) return value.map((one) => plain(one, where)).join(',');
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw wrong(where);
}

function wrong(where: string): UsageError {
  return new UsageError(`${where}: only 'flag: value' is read, one a line, and the two sections about security`);
}
