"""OpenStack's tooz, over gRPC (etcd3://) and over the JSON gateway (etcd3+http://)."""
import sys
import time

import etcd3gw
from tooz import coordination

from checks import equal, run

port, scheme = sys.argv[1], sys.argv[2]
# Debian's tooz gives a path that the function `client` of Debian's etcd3gw does not take; its class does.
etcd3gw.client = etcd3gw.Etcd3Client
url = '%s://127.0.0.1:%s?timeout=10' % (scheme, port)
if scheme != 'etcd3':
    url += '&api_version=v3'


def coordinator(name):
    one = coordination.get_coordinator(url, name)
    one.start()
    return one


def locks_exclude():
    first, second = coordinator(b'first'), coordinator(b'second')
    lock, other = first.get_lock(b'l'), second.get_lock(b'l')
    equal(lock.acquire(), True)
    equal(other.acquire(blocking=False), False)
    equal(lock.release(), True)
    equal(other.acquire(blocking=False), True)
    equal(other.release(), True)
    first.stop()
    second.stop()


def groups_and_members():
    first, second = coordinator(b'first'), coordinator(b'second')
    first.create_group(b'g').get()
    first.join_group(b'g', b'capable').get()
    second.join_group(b'g').get()
    equal(sorted(first.get_members(b'g').get()), [b'first', b'second'])
    equal(second.get_member_capabilities(b'g', b'first').get(), b'capable')
    second.leave_group(b'g').get()
    equal(sorted(first.get_members(b'g').get()), [b'first'])
    first.leave_group(b'g').get()
    first.delete_group(b'g').get()
    first.stop()
    second.stop()


def heartbeats_keep_members():
    first = coordinator(b'first')
    first.create_group(b'h').get()
    first.join_group(b'h').get()
    for _ in range(3):
        first.heartbeat()
        time.sleep(1)
    equal(list(first.get_members(b'h').get()), [b'first'])
    first.leave_group(b'h').get()
    first.stop()


def groups_are_watched():
    first, second = coordinator(b'first'), coordinator(b'second')
    first.create_group(b'w').get()
    seen = []
    first.watch_join_group(b'w', lambda event: seen.append(event.member_id))
    first.run_watchers()
    second.join_group(b'w').get()
    first.run_watchers()
    equal(seen, [b'second'])
    second.leave_group(b'w').get()
    first.stop()
    second.stop()


scenarios = [locks_exclude, groups_and_members, heartbeats_keep_members, groups_are_watched]
# The driver over the gateway has locks only.
run(scenarios if scheme == 'etcd3' else scenarios[:1])
