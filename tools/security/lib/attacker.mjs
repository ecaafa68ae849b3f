// @ts-check
/** An attack as a process of its own, so that it takes no time of the client that is measured: forked by run-attack.mjs. */
import { setPriority } from 'node:os';
import { attacks, loginAttacks } from './attacks.mjs';

// An attacker has a machine of its own: where there is only one, what it takes of the processor is not what is measured.
setPriority(10);
const [name = '', port, seconds] = process.argv.slice(2);
const end = performance.now() + Number(seconds) * 1000;
const count = await { ...attacks, ...loginAttacks }[name]?.({
  port: Number(port),
  isOver: () => performance.now() > end,
});
process.send?.(count ?? -1);
process.disconnect?.();
