// @ts-check
/** Keys of 32 bytes, as go/main.go makes them. @param {string} letter @param {number} n */
export function keyOf(letter, n) {
  return `/bench/${letter}/${`${n}`.padStart(23, '0')}`;
}
