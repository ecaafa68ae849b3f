/** @throws TypeError for `null` and whatever else has no fields: JavaScript's own message names neither */
export function checkOptions(options: object): void {
  if (typeof options !== 'object' || options === null) throw new TypeError('options must be an object');
}
