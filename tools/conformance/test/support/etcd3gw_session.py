"""What a program does with python3-etcd3gw, and what it sees, as JSON."""
import json
import sys
from base64 import b64encode

import etcd3gw

client = etcd3gw.Etcd3Client(host=sys.argv[1], port=int(sys.argv[2]), timeout=20, api_path=sys.argv[3])


def text(found):
    return [value.decode() for value in found]


seen = {}
seen['put'] = client.put('foo', 'bar')
seen['get'] = text(client.get('foo'))
seen['none'] = text(client.get('none'))
for key in 'cab':
    client.put('p/' + key, key)
seen['prefix'] = text(value for value, _ in client.get_prefix('p/', sort_order='ascend', sort_target='key'))
seen['descending'] = text(value for value, _ in client.get_prefix('p/', sort_order='descend', sort_target='key'))
seen['deleted'] = client.delete('foo')

encoded = b64encode(b'txn').decode()
made = client.transaction({
    'compare': [{'key': encoded, 'result': 'EQUAL', 'target': 'VERSION', 'version': 0}],
    'success': [{'request_put': {'key': encoded, 'value': encoded}}],
    'failure': [],
})
seen['txn'] = made['succeeded']
seen['created'] = [client.create('new', '1'), client.create('new', '2')]
seen['replaced'] = [client.replace('new', '1', '2'), client.replace('new', '1', '3')]

lease = client.lease(ttl=60)
seen['leaseIsLarge'] = lease.id > 2**53
seen['ttl'] = [59 <= lease.ttl() <= 60, lease.refresh()]
client.put('foo2', 'bar2', lease)
client.put('foo3', 'bar3', lease)
seen['leased'] = sorted(text(lease.keys()))
lease.revoke()
seen['gone'] = text(client.get('foo2'))

# From a revision on, so that nothing depends on who comes first.
since = int(made['header']['revision']) + 1
client.put('watched', 'one')
events, cancel = client.watch('watched', start_revision=since)
client.put('watched', 'two')
client.delete('watched')
seen['events'] = []
for event in events:
    kv = event['kv']
    seen['events'].append([kv['key'].decode(), kv.get('value', b'').decode(), event.get('type', '')])
    if len(seen['events']) == 3:
        cancel()
        break
client.put('once', 'again')
seen['once'] = client.watch_once('once', timeout=20, start_revision=since)['kv']['value'].decode()

first, second = client.lock('name', ttl=60), client.lock('name', ttl=60)
seen['lock'] = [first.acquire(), first.is_acquired(), second.acquire(), first.release()]
seen['version'] = client.status()['version']
seen['members'] = len(client.members())
print(json.dumps(seen))
