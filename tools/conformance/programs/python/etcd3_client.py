"""python3-etcd3, which speaks gRPC."""
import io
import sys
import threading
import time

import etcd3

from checks import equal, run

client = etcd3.client(host='127.0.0.1', port=int(sys.argv[1]), timeout=10)


def put_get_delete():
    client.put('a', 'one')
    value, meta = client.get('a')
    equal((value, meta.key, meta.version), (b'one', b'a', 1))
    equal(client.put('a', 'two', prev_kv=True).prev_kv.value, b'one')
    equal(client.delete('a'), True)
    equal(client.delete('a'), False)
    equal(client.get('a'), (None, None))


def prefixes_and_order():
    for name in ('p/2', 'p/1', 'p/3', 'q'):
        client.put(name, name)
    equal([value for value, _ in client.get_prefix('p/')], [b'p/1', b'p/2', b'p/3'])
    down = client.get_prefix('p/', sort_order='descend', sort_target='key')
    equal([value for value, _ in down], [b'p/3', b'p/2', b'p/1'])
    equal(client.delete_prefix('p/').deleted, 3)


def compare_and_swap():
    equal(client.put_if_not_exists('c', '1'), True)
    equal(client.put_if_not_exists('c', '2'), False)
    equal(client.replace('c', '1', '2'), True)
    equal(client.replace('c', '1', '3'), False)
    done, answers = client.transaction(
        compare=[client.transactions.value('c') == '2', client.transactions.version('c') > 0],
        success=[client.transactions.put('c', '4'), client.transactions.get('c')],
        failure=[client.transactions.delete('c')],
    )
    equal((done, answers[1][0][0]), (True, b'4'))


def watch_a_prefix():
    seen = []
    ready = threading.Event()

    def callback(response):
        seen.extend((type(event).__name__, event.key, event.value) for event in response.events)
        if len(seen) == 3:
            ready.set()

    watch = client.add_watch_prefix_callback('w/', callback)
    client.put('w/1', 'x')
    client.put('other', 'x')
    client.put('w/2', 'y')
    client.delete('w/1')
    equal(ready.wait(10), True)
    client.cancel_watch(watch)
    equal(seen, [('PutEvent', b'w/1', b'x'), ('PutEvent', b'w/2', b'y'), ('DeleteEvent', b'w/1', b'')])


def watch_history():
    revision = client.put('h', '1').header.revision
    client.put('h', '2')
    events, cancel = client.watch('h', start_revision=revision)
    equal([next(events).value, next(events).value], [b'1', b'2'])
    cancel()


def leases_run_out():
    lease = client.lease(2)
    client.put('l', 'x', lease=lease)
    equal(lease.granted_ttl, 2)
    equal(list(lease.keys), [b'l'])
    for _ in range(3):
        time.sleep(1)
        equal(lease.refresh()[0].TTL, 2)
    equal(client.get('l')[0], b'x')
    end = time.time() + 10
    while client.get('l')[0] is not None and time.time() < end:
        time.sleep(0.2)
    equal(client.get('l')[0], None)
    other = client.lease(60)
    client.put('l', 'x', lease=other)
    other.revoke()
    equal(client.get('l')[0], None)


def locks():
    lock = client.lock('lock', ttl=10)
    equal(lock.acquire(), True)
    equal(lock.is_acquired(), True)
    equal(lock.release(), True)
    equal(lock.is_acquired(), False)
    with client.lock('lock', ttl=10) as other:
        equal(other.is_acquired(), True)


def maintenance():
    equal([member.name for member in client.members], ['default'])
    equal(client.status().leader.name, 'default')
    revision = client.put('m', '1').header.revision
    client.compact(revision, physical=True)
    client.defragment()
    equal(client.hash() > 0, True)
    equal(list(client.list_alarms()), [])
    alarms = client.create_alarm()
    equal(len(alarms), 1)
    client.disarm_alarm()
    file = io.BytesIO()
    client.snapshot(file)
    equal(len(file.getvalue()) % 512 in (0, 32), True)


run([
    put_get_delete,
    prefixes_and_order,
    compare_and_swap,
    watch_a_prefix,
    watch_history,
    leases_run_out,
    locks,
    maintenance,
])
