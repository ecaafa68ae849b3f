// @ts-check
/**
 * A plot as SVG: lines over two logarithmic axes, made of numbers and nothing else.
 *
 * PLT1  The same numbers give the same bytes, so that a plot in the repository changes only with its figures.
 * PLT2  It reads on light and on dark pages: one grey for what is around, colours of middle brightness, a name at each line's end.
 */

/** @typedef {{ readonly name: string, readonly points: readonly (readonly [x: number, y: number])[] }} Series */
/** @typedef {{ readonly title: string, readonly x: string, readonly y: string, readonly series: readonly Series[] }} Plot */

const WIDTH = 760;
const HEIGHT = 420;
const LEFT = 70;
const RIGHT = 210;
const TOP = 44;
const BOTTOM = 54;
const GREY = '#808080';
const colours = ['#2f81f7', '#d1742f', '#3fa652', '#a855c7', '#c9304f'];
/** Between two names at the ends of lines. */
const LINE = 15;

/** @param {Plot} plot */
export function plotSvg({ title, x, y, series }) {
  const points = series.flatMap((one) => one.points);
  if (points.length === 0) throw new RangeError('a plot needs points');
  if (points.some(([px, py]) => !(px > 0) || !(py > 0)))
    throw new RangeError('logarithmic axes have no place for 0 and less');
  const [fromX, toX] = decades(points.map(([px]) => px));
  const [fromY, toY] = decades(points.map(([, py]) => py));
  const placeX = (/** @type {number} */ value) =>
    LEFT + ((Math.log10(value) - fromX) / (toX - fromX)) * (WIDTH - LEFT - RIGHT);
  const placeY = (/** @type {number} */ value) =>
    HEIGHT - BOTTOM - ((Math.log10(value) - fromY) / (toY - fromY)) * (HEIGHT - TOP - BOTTOM);
  const out = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="${GREY}">`,
    `<title>${escaped(title)}</title>`,
    text(LEFT, 22, title, 'font-size="15"'),
    text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, x, 'text-anchor="middle"'),
    text(16, TOP - 8, y, ''),
  ];
  for (let decade = fromX; decade <= toX; decade += 1) {
    const at = placeX(10 ** decade);
    out.push(line(at, TOP, at, HEIGHT - BOTTOM), text(at, HEIGHT - BOTTOM + 18, label(decade), 'text-anchor="middle"'));
  }
  for (let decade = fromY; decade <= toY; decade += 1) {
    const at = placeY(10 ** decade);
    out.push(line(LEFT, at, WIDTH - RIGHT, at), text(LEFT - 8, at + 4, label(decade), 'text-anchor="end"'));
  }
  const ends = series
    .map((one, i) => ({ name: one.name, i, at: placeY((one.points.at(-1) ?? [1, 1])[1]) }))
    .toSorted((a, b) => a.at - b.at);
  let lowest = Number.NEGATIVE_INFINITY;
  /** @type {Map<number, number>} */
  const names = new Map();
  for (const { i, at } of ends) {
    lowest = Math.max(at, lowest + LINE);
    names.set(i, lowest);
  }
  for (const [i, { name, points: own }] of series.entries()) {
    const colour = colours[i % colours.length] ?? GREY;
    const places = own.map(([px, py]) => `${fixed(placeX(px))},${fixed(placeY(py))}`);
    out.push(`<polyline points="${places.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`);
    for (const place of places) {
      const [cx, cy] = place.split(',');
      out.push(`<circle cx="${cx}" cy="${cy}" r="3" fill="${colour}"/>`);
    }
    out.push(text(WIDTH - RIGHT + 10, (names.get(i) ?? 0) + 4, name, `fill="${colour}"`));
  }
  return `${out.join('\n')}\n</svg>\n`;
}

/** The decades around some values, two at least. @param {readonly number[]} values @returns {[from: number, to: number]} */
function decades(values) {
  const from = Math.floor(Math.log10(Math.min(...values)) + 1e-9);
  const to = Math.ceil(Math.log10(Math.max(...values)) - 1e-9);
  return [from, Math.max(to, from + 1)];
}

/** @param {number} decade */
function label(decade) {
  if (decade < 0) return (10 ** decade).toFixed(-decade);
  return (10 ** decade).toLocaleString('en-US');
}

/** @param {number} x1 @param {number} y1 @param {number} x2 @param {number} y2 */
function line(x1, y1, x2, y2) {
  return `<path d="M${fixed(x1)} ${fixed(y1)}L${fixed(x2)} ${fixed(y2)}" stroke="${GREY}" stroke-opacity="0.3"/>`;
}

/** @param {number} x @param {number} y @param {string} words @param {string} more */
function text(x, y, words, more) {
  return `<text x="${fixed(x)}" y="${fixed(y)}"${more === '' ? '' : ` ${more}`}>${escaped(words)}</text>`;
}

/** @param {number} number */
function fixed(number) {
  return number.toFixed(1);
}

/** @param {string} words */
function escaped(words) {
  return words.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}
