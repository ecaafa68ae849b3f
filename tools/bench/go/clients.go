package main

import (
	"context"
	"io"
	"log"
	"sync/atomic"
	"time"

	"github.com/coreos/pkg/capnslog"
	"go.etcd.io/etcd/clientv3"
)

// runClients does the work of lib/client-work.mjs with one client of Go on the
// member at -endpoint, whose keys are there already. ".cpu" is the CPU of this
// process for a call.
func runClients() {
	capnslog.SetGlobalLogLevel(capnslog.CRITICAL)
	log.SetOutput(io.Discard)
	kv := dial()
	defer func() { _ = kv.Close() }()
	ctx := context.Background()
	rate := func(name string, f func(g, i int)) {
		for _, c := range []int{1, 64} {
			cpu := cpuUs()
			n, d, lat := par(c, window(), func(g, i int) bool { f(g, i); return true })
			title := name + ", " + itoa(c) + " at once"
			emit(title, float64(n)/d.Seconds(), "op/s")
			emit(title+".p99", pct(lat, 0.99), "us")
			cpuPer(title, cpu, int(n))
		}
	}
	at := func(g, i int) int { return (g*7919 + i*31) % (*n - 100) }
	own := func(g, i int) string { return string(key(pDur, g*1000000+i%1000)) }
	rate("put", func(g, i int) {
		_, err := kv.Put(ctx, own(g, i), string(val(i)))
		must(err)
	})
	rate("get", func(g, i int) {
		r, err := kv.Get(ctx, string(key(pLoad, at(g, i))))
		must(err)
		if len(r.Kvs) != 1 {
			panic("a key is missing")
		}
	})
	rate("range of 100", func(g, i int) {
		j := at(g, i)
		r, err := kv.Get(ctx, string(key(pLoad, j)), clientv3.WithRange(string(key(pLoad, j+100))))
		must(err)
		if len(r.Kvs) != 100 {
			panic("a range is short")
		}
	})
	rate("txn", func(g, i int) {
		k := own(g, i)
		_, err := kv.Txn(ctx).If(clientv3.Compare(clientv3.CreateRevision(k), ">", -1)).Then(clientv3.OpPut(k, string(val(i)))).Commit()
		must(err)
	})
	clientsWatch(ctx, kv)
}

func clientsWatch(ctx context.Context, kv *clientv3.Client) {
	wctx, cancel := context.WithCancel(ctx)
	events := kv.Watch(wctx, pWatch, clientv3.WithPrefix(), clientv3.WithCreatedNotify())
	<-events
	var lat []int64
	cpu := cpuUs()
	for t := time.Now(); time.Since(t) < window(); {
		t0 := time.Now()
		go func() {
			_, err := kv.Put(ctx, string(key(pWatch, 0)), string(val(0)))
			must(err)
		}()
		<-events
		lat = append(lat, int64(time.Since(t0)))
	}
	emit("put to event", pct(lat, 0.5), "us")
	emit("put to event.p99", pct(lat, 0.99), "us")
	cpuPer("put to event", cpu, len(lat))
	cancel()
	// What was loaded before, from the first of its revisions on, again and again.
	cpu = cpuUs()
	var got int64
	t := time.Now()
	for time.Since(t) < window() {
		wctx, cancel := context.WithCancel(ctx)
		one := 0
		for answer := range kv.Watch(wctx, pLoad, clientv3.WithPrefix(), clientv3.WithRev(1)) {
			if one += len(answer.Events); one >= *n {
				break
			}
		}
		atomic.AddInt64(&got, int64(one))
		cancel()
	}
	emit("events of history", float64(got)/time.Since(t).Seconds(), "ev/s")
	cpuPer("events of history", cpu, int(got))
}
