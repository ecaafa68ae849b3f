/** What the documents say of speed was measured, and is what was measured; and how it is shown. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bar, bars } from '../bench/lib/bars.mjs';
import { brief, missingIn, withMeasured } from '../bench/lib/document.mjs';
import { growthPlots } from '../bench/lib/growth-report.mjs';
import { joined } from '../bench/lib/joined.mjs';
import { plotSvg } from '../bench/lib/plot.mjs';
import { table } from '../bench/lib/table.mjs';
import { titles } from '../bench/lib/titles.mjs';
import { root } from '../run/root.mjs';

type Report = Parameters<typeof bars>[0];
const text = (path: string): string => readFileSync(join(root, path), 'utf8');

describe('the documents', () => {
  const measured = JSON.parse(text('docs/performance/measured.json')) as Report;

  test.each(['README.md', 'docs/performance.md'])('%s says what measured.json says', (path) => {
    expect(withMeasured(text(path), measured)).toBe(text(path));
  });

  test('the README leaves out no workload of the table, whoever is ahead in it', () => {
    const workloads = (rows: readonly (readonly [metric: string, text: string])[]): Set<string> =>
      new Set(rows.flatMap(([metric]) => /^W\d+/.exec(metric)?.[0] ?? []));
    expect(workloads(brief)).toEqual(workloads(titles));
  });

  test('the run has the default, etcd itself and the floor', () => {
    expect(missingIn(measured)).toBeUndefined();
    expect(measured.failures).toEqual([]);
  });

  test('the README has no ratio of its own beside the measured ones', () => {
    const own = text('README.md').replace(/<!-- measured brief -->[^]*?<!-- \/measured -->/, '');
    expect(own.match(/\d\s?×/g)).toBeNull();
  });

  test('the plots are those of growth.json, and each is shown', () => {
    const growth = JSON.parse(text('docs/performance/growth.json')) as Parameters<typeof growthPlots>[0];
    const plots = growthPlots(growth);
    expect(plots.map(([name]) => name)).toEqual(['watchers', 'keys', 'history']);
    for (const [name, svg] of plots) {
      expect(text(`docs/performance/${name}.svg`)).toBe(svg);
      expect(text('docs/performance.md')).toContain(`](performance/${name}.svg)`);
    }
    expect(existsSync(join(root, 'docs/performance'))).toBe(true);
  });
});

/** Two rounds of three peers: a rate, a time, and a rate that only one has. */
const invented: Report = {
  circumstances: { day: '2026-01-02', node: 'v20.0.0', cpu: 'abacus', cores: 2, load: 0.5 },
  options: { n: 1000, hk: 10, hr: 100, win: 1, wmax: 1000, cap: 10 },
  rounds: 2,
  seconds: 60,
  peers: [
    { name: 'varve', kind: 'ours' },
    { name: 'etcd-mvcc', kind: 'etcd' },
    { name: 'floor', kind: 'none' },
  ],
  anchor: 'etcd-mvcc',
  failures: [],
  unit: { 'W1.put': 'op/s', 'W9.open': 's', 'W8c.catchup': 'ev/s', 'M.pread': 'us' },
  samples: {
    'W1.put': { varve: [200, 400], 'etcd-mvcc': [100, 400], floor: [400, 400] },
    'W9.open': { varve: [1, 1], 'etcd-mvcc': [10, 10], floor: [0.5, null] },
    'W8c.catchup': { varve: [500, null], 'etcd-mvcc': [5, 5] },
    'M.pread': { floor: [2, 4] },
  },
};

describe('a report', () => {
  test('as a table: medians, and ratios inside a round', () => {
    const rows = table(invented).split('\n');
    expect(rows).toContain('| W1 sequential put, periodic commit | 300/s (1.50×) | 250/s | 400/s (2.50×) |');
    expect(rows).toContain('| W9 open and rebuild | 1.00 s (0.10×) | 10.00 s | 0.50 s (0.05×) |');
  });

  test('some chains again: theirs are new, the others stay, and it is the same run otherwise', () => {
    const [metric = '', kept = ''] = Object.keys(invented.samples);
    const samples = { [metric]: { varve: [7, 8] } };
    const again = joined(invented, { ...invented, samples, seconds: 5 });
    expect(again.samples[metric]).toEqual({ varve: [7, 8] });
    expect(again.samples[kept]).toEqual(invented.samples[kept]);
    expect(again.seconds).toBe(65);
    expect(() => joined(invented, { ...invented, rounds: 3 })).toThrow('the runs differ in rounds: 2, 3');
    expect(() => joined(invented, { ...invented, peers: [{ name: 'other', kind: 'x' }] })).toThrow('no other');
  });

  test('as a document: each part between its marks, the rest untouched', () => {
    const before =
      'Above.\n\n<!-- measured table -->\nold\n<!-- /measured -->\n\n<!-- measured brief -->\n<!-- /measured -->\nBelow.';
    const after = withMeasured(before, invented);
    expect(after).toMatch(/^Above\.\n\n<!-- measured table -->\n\n[^]*<!-- \/measured -->\nBelow\.$/);
    expect(after).not.toContain('old');
    expect(after).toContain('| W9 open and rebuild ↓ | 10.00 s | **0.10×** | 0.1× | 0.50 s | 2.00× |');
    expect(after).toContain('| W1 sequential put, periodic commit | 250/s | **1.50×** | 2.5× | 400/s | 0.75× |');
    // A tenth of the time is ahead.
    expect(after).toContain('| sequential puts | 1.50× |  | |  | |');
    expect(after).toContain('| time of opening | 0.10× |');
    expect(withMeasured(after, invented)).toBe(after);
  });

  test('a text without marks, and an unknown part, are refused', () => {
    expect(() => withMeasured('nothing', invented)).toThrow(RangeError);
    expect(() => withMeasured('<!-- measured all -->\n<!-- /measured -->', invented)).toThrow(RangeError);
    expect(missingIn({ ...invented, peers: [] })).toBe('varve');
  });

  test('as bars: in proportion, the anchor marked, by logarithm where one is far ahead', () => {
    const lines = bars(invented).split('\n');
    const put = lines.slice(lines.indexOf('W1 sequential put, periodic commit') + 1);
    expect(put[0]).toMatch(/^ {2}varve {5}█{30} +300\/s +1\.50×$/);
    expect(put[1]).toMatch(/^ {2}etcd-mvcc █{25}/);
    expect(lines).toContain('W9 open and rebuild (less is better)');
    expect(lines).toContain('W8c catch-up from history (bars by logarithm)');
    expect(bar(0.5, 30)).toBe(`${'█'.repeat(20)}${' '.repeat(10)}┊${' '.repeat(9)}`);
    expect(bar(0, undefined).trim()).toBe('');
    expect(bar(Number.NaN, undefined)).toHaveLength(40);
    expect(bar(1e-9, undefined).trim()).toBe('▏');
  });
});

describe('a plot', () => {
  const plot = {
    title: 'a < b & c',
    x: 'keys',
    y: 'µs',
    series: [
      { name: 'one', points: [[1, 2] as const, [1000, 20] as const] },
      { name: 'two', points: [[1, 2] as const, [1000, 20] as const] },
    ],
  };

  test('is an SVG with a line and a name for each series, which do not cover each other', () => {
    const svg = plotSvg(plot);
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" [^>]*>\n[^]*\n<\/svg>\n$/);
    expect(svg).toContain('a &lt; b &amp; c');
    expect(svg.match(/<polyline /g)).toHaveLength(2);
    expect(svg.match(/<circle /g)).toHaveLength(4);
    const names = [...svg.matchAll(/y="([\d.]+)" fill="#\w+">(one|two)</g)].map(([, y]) => Number(y));
    expect(Math.abs(names[0]! - names[1]!)).toBeGreaterThanOrEqual(12);
    expect(svg).not.toContain('NaN');
    expect(plotSvg(plot)).toBe(svg);
  });

  test('says in its title that the machine was busy', () => {
    const points = [{ size: 1, values: { get: 1 } }];
    const of = (load: number): string =>
      growthPlots({
        circumstances: { day: '2026-01-02', node: 'v20', cores: 2, load },
        plots: { keys: points },
      })[0]![1];
    expect([of(4).includes('2 cores at a load'), of(5).includes('2 cores, busy, at a load')]).toEqual([true, true]);
  });

  test('has no place for nothing, and for 0', () => {
    expect(() => plotSvg({ ...plot, series: [] })).toThrow(RangeError);
    expect(() => plotSvg({ ...plot, series: [{ name: 'x', points: [[0, 1]] }] })).toThrow(RangeError);
  });
});
