// @ts-check
/**
 * Prefixes spread over several clusters, and what is lost by that.
 *
 * SPX1  Prefixes are as popular as the law of Zipf has it, with an exponent: 0 is all alike. Each goes to the cluster that has the least so far,
 *      the most popular first, which is the best that can be done by hand.
 */

/** The part of all writes that each prefix has. @param {number} count @param {number} exponent */
export function popularity(count, exponent) {
  const weights = Array.from({ length: count }, (_, i) => 1 / (i + 1) ** exponent);
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}

/** The part of all writes that each cluster has. @param {readonly number[]} prefixes @param {number} clusters */
export function shares(prefixes, clusters) {
  const parts = Array.from({ length: clusters }, () => 0);
  for (const prefix of prefixes.toSorted((a, b) => b - a)) {
    const least = Math.min(...parts);
    parts[parts.indexOf(least)] = least + prefix;
  }
  return parts;
}

/** Of transactions about two keys that have nothing to do with each other, the part that lies in two clusters. @param {readonly number[]} parts */
export function crossing(parts) {
  return 1 - parts.reduce((sum, part) => sum + part * part, 0);
}
