"""Scenarios of one client library: each is a function, and prints `ok NAME` or `not ok NAME: why`."""
import sys
import traceback


def run(scenarios):
    failed = 0
    for scenario in scenarios:
        name = scenario.__name__.replace('_', ' ')
        try:
            scenario()
            print('ok %s' % name, flush=True)
        except Exception as error:
            failed += 1
            print('not ok %s: %r' % (name, error), flush=True)
            traceback.print_exc(file=sys.stderr)
    sys.exit(1 if failed else 0)


def equal(have, want):
    if have != want:
        raise AssertionError('%r, not %r' % (have, want))
