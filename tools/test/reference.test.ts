/** The reference says what the types say: what is missing, too much, or has another default is found. */
import { expect, test } from 'vitest';
import { codesOf, differences, pageOf, referenceOf } from '../checks/lib/reference.mjs';

const index = "export type * from './kv.ts';\nexport { open, type OpenOptions } from './open.ts';\n";
const kv = `
/** Wants it so. */
export interface ReadOptions extends SignalOptions {
  /** At most so many. More of it. @default all */
  readonly limit?: number | undefined;
}
/** Reads. */
export interface Reader<K> {
  /** Reads one | or none. It may be gone. @throws KvError \`KV_DECODE\` */
  get(key: K, options?: ReadOptions): Promise<string>;
  /** The newest. */
  readonly revision: number;
}
/** An answer, which is no call. */
export interface Status {
  readonly size: number;
}
interface Hidden {
  run(): void;
}
`;
const open = `
/** Opens. */
export function open(place: string, options: OpenOptions = {}): void {}
/** Not exported by the index. */
export function other(): void {}
/** How. */
export interface OpenOptions {
  /** A store of one's own. @default true */
  readonly create?: boolean | undefined;
}
`;

function pageWith(changed: Readonly<Record<string, string>>): string {
  const files = new Map(Object.entries({ 'index.ts': index, 'kv.ts': kv, 'open.ts': open, ...changed }));
  return pageOf([{ name: 'x', reference: referenceOf(files) }], [['KV_DECODE', 'refused']]);
}

test('every member of calls and options is a row, with options, default and codes', () => {
  const page = pageWith({});
  expect(page).toContain('| `get(key, options?)` | `ReadOptions` | `KV_DECODE` | Reads one \\| or none |');
  expect(page).toContain('| `revision` |  |  | The newest |');
  expect(page).toContain('### ReadOptions, and those of `SignalOptions`');
  expect(page).toContain('| `limit` | all | At most so many |');
  expect(page).toContain('| `open(place, options?)` | `OpenOptions` |  | Opens |');
  expect(page).toContain("| `create` | true | A store of one's own |");
  for (const absent of ['size', 'run()', 'other()', 'Hidden', 'Status']) expect(page).not.toContain(absent);
});

test('a member that comes, goes or changes is a difference', () => {
  const page = pageWith({});
  expect(differences(page, page)).toEqual([]);
  const longer = pageWith({
    'kv.ts': kv.replace('  /** The newest. */', '  /** New. */\n  fresh(): void;\n  /** The newest. */'),
  });
  expect(differences(page, longer)).toEqual(['missing: | `fresh()` |  |  | New |']);
  expect(differences(longer, page)).toEqual(['not in the types: | `fresh()` |  |  | New |']);
  const other = pageWith({ 'open.ts': open.replace('@default true', '@default false') });
  expect(differences(page, other)).toHaveLength(2);
});

test('options are a table wherever they are declared, and each stands once', () => {
  const files = new Map([
    ['index.ts', "export { open, type OpenOptions } from './open.ts';\n"],
    [
      'open.ts',
      `
/** Opens. */
export function open(place: string, options: OpenOptions | ClusterOptions = {}): void {}
/** How. */
export interface OpenOptions extends LayerOptions {}
`,
    ],
    [
      'layers.ts',
      '/** How. */\nexport interface LayerOptions {\n  /** Refuses more. */\n  readonly limits?: Limits;\n}\n',
    ],
  ]);
  const others = [
    '/** How much. */\nexport interface Limits {\n  /** Bytes. @default 7, as `@varve/x` has it */\n  readonly most?: number;\n}\n',
  ];
  const page = pageOf([{ name: 'x', reference: referenceOf(files, { others, known: ['ClusterOptions'] }) }], []);
  expect(page).toContain('| `open(place, options?)` | `OpenOptions`, `ClusterOptions` |  | Opens |');
  expect(page).toContain('### OpenOptions, and those of `LayerOptions`\n\n### LayerOptions\n');
  expect(page).toContain('| `limits` |  | Refuses more |');
  expect(page).toContain('| `most` | 7, as `@varve/x` has it | Bytes |');
  expect(page).not.toContain('### ClusterOptions');
});

test('of overloads the comment of the simplest counts and the codes of all; one without a comment is named', () => {
  const overloads = `
/** Opens a cluster. @throws \`KV_DENIED\` */
export function open(name: 'a', options: ClusterOptions): void;
/** Opens. @throws \`KV_INVALID\` */
export function open(place: string): void;
export function open(place: string, options?: ClusterOptions): void {}
`;
  const found = (text: string) =>
    referenceOf(
      new Map([
        ['index.ts', "export { open } from './open.ts';"],
        ['open.ts', text],
      ]),
    );
  expect(found(overloads).functions).toMatchObject([
    {
      shown: 'open(place, options?)',
      doc: 'Opens',
      codes: ['KV_INVALID', 'KV_DENIED'],
      optionsTypes: ['ClusterOptions'],
    },
  ]);
  expect(found(overloads).problems).toEqual([]);
  const bare = overloads.replace('/** Opens. @throws `KV_INVALID` */\n', '');
  expect(found(bare).problems).toEqual(['open has no comment, or an overload of it has none']);
});

test('a member without a comment is named', () => {
  const files = new Map([
    ['index.ts', index],
    ['kv.ts', kv.replace('  /** The newest. */\n', '')],
    ['open.ts', open],
  ]);
  expect(referenceOf(files).problems).toEqual(['Reader.revision has no comment']);
});

test('codes and their meanings come from the comments of the union', () => {
  const text = '/**\n * - `KV_A` one thing,\n *   in two lines\n * - `KV_B`, `KV_C` another\n */';
  expect(codesOf(text)).toEqual([
    ['KV_A', 'one thing, in two lines'],
    ['KV_B', 'another'],
    ['KV_C', 'another'],
  ]);
});
