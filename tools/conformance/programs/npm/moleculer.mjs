// Two moleculer brokers that find each other through the etcd3 discoverer: `node moleculer.mjs PORT`.
import assert from 'node:assert/strict';
import moleculer from 'moleculer';
import { runScenarios } from './scenarios.mjs';

const url = `etcd3://127.0.0.1:${process.argv[2]}`;

/** @param {string} nodeID */
function broker(nodeID) {
  return new moleculer.ServiceBroker({
    ...{ nodeID, namespace: 'varve', logger: false, heartbeatInterval: 1, heartbeatTimeout: 4 },
    // The TCP transporter without its own discovery: the nodes know each other from etcd only.
    transporter: { type: 'TCP', options: { udpDiscovery: false } },
    registry: { discoverer: url },
  });
}

/** @param {() => Promise<boolean> | boolean} ask */
async function until(ask) {
  const end = Date.now() + 20_000;
  while (!(await ask())) {
    if (Date.now() > end) throw new Error('waited 20 s');
    await new Promise((resolve) => {
      setTimeout(resolve, 100);
    });
  }
}

await runScenarios({
  async 'brokers find each other, and forget who is gone'() {
    const [one, two] = [broker('one'), broker('two')];
    two.createService({ name: 'math', actions: { add: (context) => context.params.a + context.params.b } });
    await Promise.all([one.start(), two.start()]);
    const nodes = () =>
      one.registry.nodes.list({ onlyAvailable: true }).map((/** @type {{ id: string }} */ node) => node.id);
    await until(() => nodes().includes('two'));
    await one.waitForServices('math', 20_000);
    assert.equal(
      one.registry.services.list({}).some((/** @type {{ name: string }} */ service) => service.name === 'math'),
      true,
    );
    await two.stop();
    await until(() => !nodes().includes('two'));
    await one.stop();
  },
});
