/** BoltDB's limits, on every engine: a longer row would end the writer in the commit, or be in no snapshot. */

export const longestKey = 32_768;
export const longestValue: number = 2 ** 31 - 2;
