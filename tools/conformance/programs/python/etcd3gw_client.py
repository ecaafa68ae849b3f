"""python3-etcd3gw, which speaks to the JSON gateway."""
import sys
import threading
import time

import etcd3gw

from checks import equal, run

# The function `client` of Debian's version knows no path but the one of etcd 3.2.
client = etcd3gw.Etcd3Client(host='127.0.0.1', port=int(sys.argv[1]), timeout=10, api_path='/v3/')


def put_get_delete():
    equal(client.put('a', 'one'), True)
    value, meta = client.get('a', metadata=True)[0]
    equal((value, meta['key'], meta['version']), (b'one', b'a', '1'))
    equal(client.delete('a'), True)
    equal(client.delete('a'), False)
    equal(client.get('a'), [])


def prefixes_and_order():
    for name in ('p/2', 'p/1', 'p/3', 'q'):
        client.put(name, name)
    equal([value for value, _ in client.get_prefix('p/')], [b'p/1', b'p/2', b'p/3'])
    down = client.get_prefix('p/', sort_order='descend', sort_target='key')
    equal([value for value, _ in down], [b'p/3', b'p/2', b'p/1'])
    client.delete_prefix('p/')
    equal(client.get_prefix('p/'), [])


def compare_and_swap():
    equal(client.create('c', '1'), True)
    equal(client.create('c', '2'), False)
    equal(client.replace('c', '1', '2'), True)
    equal(client.replace('c', '1', '3'), False)
    equal(client.get('c'), [b'2'])


def watch():
    events, cancel = client.watch_prefix('w/')
    seen = []

    def follow():
        for event in events:
            seen.append((event.get('type', 'PUT'), event['kv']['key']))
            if len(seen) == 2:
                return

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    time.sleep(0.3)
    client.put('w/1', 'x')
    client.delete('w/1')
    thread.join(10)
    cancel()
    equal(seen, [('PUT', b'w/1'), ('DELETE', b'w/1')])


def watch_once_after_a_quiet_while():
    timer = threading.Timer(12, lambda: client.put('quiet', 'x'))
    timer.start()
    equal(client.watch_once('quiet', timeout=20)['kv']['value'], b'x')


def leases():
    lease = client.lease(ttl=60)
    client.put('l', 'x', lease=lease)
    equal(lease.keys(), [b'l'])
    equal(lease.refresh(), 60)
    equal(50 < lease.ttl() <= 60, True)
    equal(lease.revoke(), True)
    equal(client.get('l'), [])


def locks():
    with client.lock('lock', ttl=10) as lock:
        equal(lock.is_acquired(), True)
        equal(client.lock('lock', ttl=10).acquire(), False)
        equal(lock.refresh(), 10)
    equal(client.lock('lock', ttl=10).acquire(), True)


def status_and_members():
    equal(client.status()['version'].split('.')[0], '3')
    equal(len(client.members()), 1)


run([
    put_get_delete,
    prefixes_and_order,
    compare_and_swap,
    watch,
    watch_once_after_a_quiet_while,
    leases,
    locks,
    status_and_members,
])
