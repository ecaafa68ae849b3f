// @ts-check
/** An attack as a process of its own, so that it takes no time of the client that is measured: forked by run-attack.mjs. */
import { setPriority } from 'node:os';
import { attacks, controls, loginAttacks } from './attacks.mjs';

// An attacker has a machine of its own: where there is only one, what it takes of the processor is not what is measured.
setPriority(10);
const [name = '', port, seconds] = process.argv.slice(2);
// What it takes to start is not part of the attack.
process.once('message', async () => {
  const end = performance.now() + Number(seconds) * 1000;
  const count = await { ...attacks, ...loginAttacks, ...controls }[name]?.({
    port: Number(port),
    isOver: () => performance.now() > end,
  });
  process.send?.(count ?? -1);
  process.disconnect?.();
});
// It has a session of its own, so nobody's interrupt reaches it.
process.once('disconnect', () => process.exit());
process.send?.('ready');
