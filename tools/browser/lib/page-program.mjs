// @ts-check
// What a page has at the least: a store, and nothing of what else the entry exports. It awaits at its top level, as pages do: then what parts share
// with it cannot be in its own file, which would wait for itself, so this is the larger of the two.
import { open } from '@varve/kv/memory';

Object.assign(globalThis, { store: await open() });
