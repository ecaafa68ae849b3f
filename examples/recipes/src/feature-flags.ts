/**
 * Feature flags that a schema keeps in shape, whoever writes them.
 *
 * FFL1  What does not fit the schema is refused at the put, and nothing is stored.
 * FFL2  What is stored all the same, by another version or program, is no reason to fall: such a flag is off.
 * FFL3  Who has a flag keeps it while the percentage grows.
 */
import { createHash } from 'node:crypto';
import { codeOf, json, type Kv, type StandardSchemaV1, type ValueCodec } from '@varve/kv';

export interface Flag {
  readonly on: boolean;
  /** Of the users, from 0 to 100. */
  readonly percent: number;
}

/** Written by hand; one of zod, valibot or arktype goes into its place. */
const flagSchema: StandardSchemaV1<Flag> = {
  '~standard': {
    version: 1,
    vendor: 'recipes',
    validate(value) {
      const { on, percent } = Object(value) as Partial<Record<keyof Flag, unknown>>;
      if (typeof on !== 'boolean') return { issues: [{ message: 'must be true or false', path: ['on'] }] };
      if (typeof percent === 'number' && percent >= 0 && percent <= 100) return { value: { on, percent } };
      return { issues: [{ message: 'must be from 0 to 100', path: ['percent'] }] };
    },
  },
};
const flagCodec: ValueCodec<Flag> = json(flagSchema);

/** The flags of a store whose other values may be of any type. */
export function flagsOf<V>(kv: Kv<string, V>): Kv<string, Flag> {
  return kv.namespace('flags/', { value: flagCodec });
}

export async function isOn(flags: Kv<string, Flag>, name: string, user: string): Promise<boolean> {
  try {
    const flag = (await flags.get(name))?.value;
    return flag !== undefined && flag.on && bucketOf(name, user) < flag.percent;
  } catch (error) {
    if (codeOf(error) === 'KV_DECODE') return false;
    throw error;
  }
}

/** A number from 0 up to 100, always the same for a flag and a user. */
function bucketOf(name: string, user: string): number {
  return (createHash('sha256').update(`${name}/${user}`).digest().readUInt32BE(0) / 2 ** 32) * 100;
}
