// A process that wants to lead: `node leader-process.mjs ADDRESS ID`. Says `leads REVISION` when it does, and goes on until it is killed.
import { Etcd3 } from 'etcd3';
import { lead } from '../dist/leader-election.js';

const [address, id] = process.argv.slice(2);
const { revision } = await lead(new Etcd3({ hosts: address }), 'leader', id, 4);
console.log(`leads ${revision}`);
