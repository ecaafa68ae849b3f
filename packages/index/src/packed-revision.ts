/**
 * A revision in one number: `main` itself when the sub is 0, else `main + sub / 2^20`.
 *
 * PV1  The fraction is exact because it is only used below main 2^32 and sub 2^20, 52 bits in all.
 */

const SUB_SCALE = 2 ** 20;
export const MAIN_LIMIT: number = 2 ** 32;

export function fitsOne(main: number, sub: number): boolean {
  return sub === 0 || (sub < SUB_SCALE && main < MAIN_LIMIT);
}

export function pack(main: number, sub: number): number {
  return sub === 0 ? main : main + sub / SUB_SCALE;
}

export function mainOf(packed: number): number {
  return Math.floor(packed);
}

export function subOf(packed: number): number {
  return (packed - Math.floor(packed)) * SUB_SCALE;
}
