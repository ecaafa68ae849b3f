// Uses a cluster and closes nothing: the process must end by itself when its work is done.
import { connect } from '@varve/etcd';

const kv = await connect(process.argv[2] ?? '', { syncIntervalMs: 60_000 });
await kv.put('a', '1');
await kv.lease({ ttl: 60, keepAlive: true });
const watch = kv.watch('a', { from: 1 });
for await (const event of watch) {
  console.log(event.value);
  break;
}
