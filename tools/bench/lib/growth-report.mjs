// @ts-check
// The numbers of growth.mjs, and the plots that are made of them.
import { plotSvg } from './plot.mjs';
import { isBusy } from './table.mjs';

/**
 * @typedef {object} GrowthReport
 * @property {{ day: string, node: string, cores: number, load: number }} circumstances
 * @property {Record<string, readonly { readonly size: number, readonly values: Readonly<Record<string, number>> }[]>} plots by name
 */

/** @type {Readonly<Record<string, { readonly title: string, readonly x: string, readonly y: string }>>} */
const axes = {
  watchers: { title: 'Cost against watchers', x: 'watchers', y: 'µs of processor' },
  keys: { title: 'Cost against keys', x: 'keys', y: 'µs; bytes' },
  history: { title: 'Cost against history', x: 'revisions of each key', y: 'µs of processor' },
};

/** The plots, by name, as SVG. @param {GrowthReport} report @returns {[name: string, svg: string][]} */
export function growthPlots({ circumstances: { day, node, cores, load }, plots }) {
  return Object.entries(plots).flatMap(([name, points]) => {
    const axis = axes[name];
    if (axis === undefined || points.length === 0) return [];
    const series = Object.keys(points[0]?.values ?? {}).map((one) => ({
      name: one,
      points: points.map(({ size, values }) => /** @type {const} */ ([size, values[one] ?? 0])),
    }));
    const title = `${axis.title} (${day}, Node ${node}, ${cores} cores${isBusy({ load, cores }) ? ', busy,' : ''} at a load of ${load})`;
    return [/** @type {[string, string]} */ ([name, plotSvg({ ...axis, title, series })])];
  });
}
