/** Random single damages to a file, and a tally of what came of them (R43). */

/** How many damages an engine gets; `VARVE_LARGE=1` for the full size, `VARVE_DAMAGES` and `VARVE_SEED` for any other. */
export const DAMAGES = Number(process.env['VARVE_DAMAGES'] ?? (process.env['VARVE_LARGE'] === '1' ? 3000 : 150));
export const SEED = Number(process.env['VARVE_SEED'] ?? 1);
/** Milliseconds that so many may take on a machine that has other things to do. */
export const PATIENCE = 60_000 + DAMAGES * 1000;

export type Random = (below: number) => number;

/** xorshift32. */
export function randomFrom(seed: number): Random {
  let state = (seed * 2_654_435_761) >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** The bytes of a file afterwards; `undefined` for no file. */
const damages: { readonly [name: string]: (bytes: Buffer, random: Random) => Buffer | undefined } = {
  bit(bytes, random) {
    const at = random(bytes.length);
    bytes[at] = (bytes[at] as number) ^ (1 << random(8));
    return bytes;
  },
  byte(bytes, random) {
    bytes[random(bytes.length)] = random(256);
    return bytes;
  },
  sector: (bytes, random) => zeroed(bytes, random, 512),
  page: (bytes, random) => zeroed(bytes, random, 4096),
  noise(bytes, random) {
    const start = random(bytes.length);
    return bytes.fill(
      Buffer.from([random(256), random(256), random(256)]),
      start,
      Math.min(bytes.length, start + random(600)),
    );
  },
  swap: (bytes, random) => swapped(bytes, random, 512),
  swapPages: (bytes, random) => swapped(bytes, random, 4096),
  cut: (bytes, random) => bytes.subarray(0, random(bytes.length)),
  cutAtSector: (bytes, random) => bytes.subarray(0, Math.floor(random(bytes.length) / 512) * 512),
  longer: (bytes, random) => Buffer.concat([bytes, Buffer.alloc(1 + random(5000), random(2) * random(256))]),
  empty: () => Buffer.alloc(0),
  gone: () => undefined,
};

function zeroed(bytes: Buffer, random: Random, unit: number): Buffer {
  const start = random(Math.ceil(bytes.length / unit)) * unit;
  return bytes.fill(0, start, Math.min(bytes.length, start + unit));
}

function swapped(bytes: Buffer, random: Random, unit: number): Buffer {
  const units = Math.floor(bytes.length / unit);
  if (units < 2) return bytes;
  const [one, other] = [random(units) * unit, random(units) * unit];
  const kept = Buffer.from(bytes.subarray(one, one + unit));
  bytes.copy(bytes, one, other, other + unit);
  kept.copy(bytes, other);
  return bytes;
}

export interface Damage {
  readonly kind: string;
  /** `undefined` for no file. */
  readonly after: Buffer | undefined;
}

/** One damage to a copy of these bytes. */
export function damaged(bytes: Buffer, random: Random): Damage {
  const kinds = Object.entries(damages);
  const [kind, change] = kinds[random(kinds.length)]!;
  return { kind, after: change(Buffer.from(bytes), random) };
}

/** How often each outcome came, and where the damages that led to it were. */
export class Tally {
  readonly #counts = new Map<string, Map<string, number>>();

  add(outcome: string, place: string): void {
    const places = this.#counts.get(outcome) ?? new Map<string, number>();
    this.#counts.set(outcome, places.set(place, (places.get(place) ?? 0) + 1));
  }

  of(outcome: string): number {
    return [...(this.#counts.get(outcome)?.values() ?? [])].reduce((sum, count) => sum + count, 0);
  }

  /** Told where somebody asked for the full size; else it would be noise. */
  print(title: string): void {
    if (process.env['VARVE_LARGE'] !== '1') return;
    const lines = [...this.#counts].map(([outcome, places]) => {
      const listed = [...places].toSorted(([, a], [, b]) => b - a).map(([place, count]) => `${place} ${count}`);
      return `  ${outcome}: ${this.of(outcome)} (${listed.join(', ')})`;
    });
    console.log([title, ...lines].join('\n'));
  }
}
