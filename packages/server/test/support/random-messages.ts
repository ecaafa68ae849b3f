/** Messages by chance: every field now and then, with the values at which JSON goes wrong. */
import { create, ScalarType, type DescField, type DescMessage, type Message } from '@bufbuild/protobuf';

type Chance = () => number;

const longs = [0n, 1n, -1n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, 2n ** 63n - 1n, -(2n ** 63n)];
const unsigned = [0n, 1n, 2n ** 53n + 1n, 2n ** 64n - 1n];
const texts = ['', 'a', '<&>', '"\\', '\u2028\u2029', '\b\f\n', 'é€😀', '__proto__'];
const sizes = [0, 1, 2, 3, 4, 100];

export function messageOf(desc: DescMessage, chance: Chance, depth = 0): Message {
  const message = create(desc) as unknown as Record<string, unknown>;
  for (const field of desc.fields) {
    if (chance() < 0.4 || (field.message !== undefined && depth > 3)) continue;
    if (field.fieldKind === 'list') {
      message[field.localName] = Array.from({ length: below(4, chance) }, () => valueOf(field, chance, depth));
    } else if (field.oneof !== undefined) {
      message[field.oneof.localName] = { case: field.localName, value: valueOf(field, chance, depth) };
    } else {
      message[field.localName] = valueOf(field, chance, depth);
    }
  }
  return message as unknown as Message;
}

function valueOf(field: DescField, chance: Chance, depth: number): unknown {
  if (field.message !== undefined) return messageOf(field.message, chance, depth + 1);
  if (field.enum !== undefined) return chance() < 0.1 ? 77 : pick(field.enum.values, chance).number;
  switch (field.scalar) {
    case ScalarType.BYTES:
      return Uint8Array.from({ length: pick(sizes, chance) }, () => below(256, chance));
    case ScalarType.STRING:
      return pick(texts, chance);
    case ScalarType.BOOL:
      return chance() < 0.5;
    case ScalarType.INT64:
      return pick(longs, chance);
    case ScalarType.UINT64:
      return pick(unsigned, chance);
    case ScalarType.UINT32:
      return pick([0, 1, 2 ** 32 - 1], chance);
    default:
      return pick([0, 1, -1, 2 ** 31 - 1, -(2 ** 31)], chance);
  }
}

function below(limit: number, chance: Chance): number {
  return Math.floor(chance() * limit);
}

function pick<Item>(items: readonly Item[], chance: Chance): Item {
  return items[below(items.length, chance)]!;
}
