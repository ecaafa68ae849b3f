/**
 * Which engines have a Backend: one at a time, and one in their lives.
 *
 * OW1  Two Backends over one engine would each take what it knows for all there is, and undo what the other was
 *      acknowledged. So the second is refused before it touches the engine, and the first does not notice.
 * OW2  Whoever is refused closes nothing: the engine is somebody else's.
 */
import type { Engine } from '../contract/engine.ts';
import { BackendError } from '../contract/errors.ts';

const members = ['get', 'scan', 'buckets', 'pin', 'commit', 'compact', 'close'] as const;
const states = new WeakMap<Engine, 'taken' | 'closed'>();

/**
 * Takes an engine over.
 * @throws TypeError for what is no engine; BackendError `BACKEND_LOCKED` while it has an owner, `BACKEND_CLOSED` once it
 * had one
 */
export function takeEngine(engine: Engine): void {
  checkEngine(engine);
  const state = states.get(engine);
  if (state === 'taken') {
    throw new BackendError(
      'BACKEND_LOCKED',
      'this engine is open already: open each store once, and share what it gives',
    );
  }
  if (state === 'closed') {
    throw new BackendError('BACKEND_CLOSED', 'this engine was closed: make another one to open the store again');
  }
  states.set(engine, 'taken');
}

/** Closes an engine that the caller has taken. */
export async function giveBack(engine: Engine): Promise<void> {
  try {
    await engine.close();
  } finally {
    states.set(engine, 'closed');
  }
}

/** Closes an engine that was handed over for nothing, unless it has an owner: then it is left as it is. */
export async function discardEngine(engine: Engine): Promise<void> {
  checkEngine(engine);
  if (states.has(engine)) return;
  states.set(engine, 'taken');
  await giveBack(engine);
}

function checkEngine(engine: unknown): void {
  if ((typeof engine !== 'object' && typeof engine !== 'function') || engine === null) throw noEngine();
  const given = engine as Readonly<Record<string, unknown>>;
  for (const member of members) if (typeof given[member] !== 'function') throw noEngine();
}

function noEngine(): TypeError {
  return new TypeError(`engine must have the methods of an Engine: ${members.join(', ')}`);
}
