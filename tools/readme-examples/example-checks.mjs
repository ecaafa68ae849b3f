// @ts-check
/** The checks behind `// =>`, put beside the programs: plain Node, no package. See assertions.mjs. */
import { formatWithOptions, inspect } from 'node:util';

const options = { breakLength: Infinity, compact: 3 };

/**
 * @template {readonly unknown[]} T
 * @param {string} where
 * @param {string} expected
 * @param {T} values
 * @returns {T}
 */
export function prints(where, expected, ...values) {
  compare(where, expected, [
    formatWithOptions(options, ...values),
    ...values.slice(0, values.length === 1 ? 1 : 0).map(show),
  ]);
  return values;
}

/**
 * @template T
 * @param {string} where
 * @param {string} expected
 * @param {T} value
 * @returns {T}
 */
export function gives(where, expected, value) {
  compare(where, expected, [show(value), formatWithOptions(options, value)]);
  return value;
}

/** @param {unknown} value */
function show(value) {
  return inspect(value, options);
}

/** @param {string} where @param {string} expected @param {readonly string[]} shown */
function compare(where, expected, shown) {
  const pattern = squeeze(expected)
    .split('…')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*');
  if (!shown.some((text) => new RegExp(`^${pattern}$`, 's').test(squeeze(text)))) {
    throw new Error(`${where}: says // => ${expected}, and it is ${shown[0]}`);
  }
}

/** @param {string} text */
function squeeze(text) {
  return text.replace(/\s+/g, ' ').trim();
}
