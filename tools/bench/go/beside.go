package main

import (
	"context"
	"io"
	"log"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/pkg/capnslog"
	"go.etcd.io/etcd/clientv3"
	pb "go.etcd.io/etcd/etcdserver/etcdserverpb"
)

// runBeside does the work of server.mjs --etcd on the server at -endpoint: each
// phase lasts -win seconds, on eight connections. The line with ".ops" ends a
// phase: by it the CPU of the server is divided.
func runBeside() {
	capnslog.SetGlobalLogLevel(capnslog.CRITICAL)
	log.SetOutput(io.Discard)
	conns := dialN(8)
	kv := func(g int) *clientv3.Client { return conns[g%len(conns)] }
	ctx := context.Background()
	rate := func(name string, clients int, f func(g, i int) bool) {
		c, d, lat := par(clients, window(), f)
		emit(name, float64(c)/d.Seconds(), "op/s")
		emit(name+".p99", pct(lat, 0.99), "us")
		emit(name+".ops", float64(c), "op")
	}
	// Servers that compile as they go, or fill caches, do so here: a server runs for months.
	var next int64 = -1
	par(512, time.Hour, func(g, i int) bool {
		j := int(atomic.AddInt64(&next, 1))
		if j >= *n {
			return false
		}
		_, err := kv(g).Put(ctx, string(key(pLoad, j)), string(val(j)))
		must(err)
		return true
	})
	emit("load.ops", float64(*n), "op")
	for _, c := range []int{1, 64, 512} {
		rate("put, clients: "+itoa(c), c, func(g, i int) bool {
			_, err := kv(g).Put(ctx, string(key(pDur, g*1000000+i)), string(val(i)))
			must(err)
			return true
		})
	}
	at := func(g, i int) int { return (g*7919 + i*31) % (*n - 100) }
	rate("get, clients: 64", 64, func(g, i int) bool {
		r, err := kv(g).Get(ctx, string(key(pLoad, at(g, i))))
		must(err)
		return len(r.Kvs) == 1 || fail("a key is missing")
	})
	rate("range of 100, clients: 64", 64, func(g, i int) bool {
		j := at(g, i)
		r, err := kv(g).Get(ctx, string(key(pLoad, j)), clientv3.WithRange(string(key(pLoad, j+100))))
		must(err)
		return len(r.Kvs) == 100 || fail("a range is short")
	})
	rate("txn, clients: 64", 64, func(g, i int) bool {
		k := string(key(pLoad, at(g, i)))
		_, err := kv(g).Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(k), ">", 0)).
			Then(clientv3.OpPut(k, string(val(i)))).Commit()
		must(err)
		return true
	})
	fanOut(ctx, conns, 1)
	fanOut(ctx, conns, 1000)
	keepAlives(ctx, conns)
	for _, c := range conns {
		_ = c.Close()
	}
}

func fail(why string) bool { panic(why) }

// fanOut puts from 64 clients while nw watchers see every put: events that
// arrived a second, until the last has arrived.
func fanOut(ctx context.Context, conns []*clientv3.Client, nw int) {
	kv := func(g int) *clientv3.Client { return conns[g%len(conns)] }
	wctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var delivered int64
	var ready sync.WaitGroup
	for w := 0; w < nw; w++ {
		ch := kv(w).Watch(wctx, "/bench/w/", clientv3.WithRange("/bench/w0"), clientv3.WithCreatedNotify())
		ready.Add(1)
		go func() {
			created := false
			for r := range ch {
				if !created {
					created = true
					ready.Done()
				}
				atomic.AddInt64(&delivered, int64(len(r.Events)))
			}
		}()
	}
	ready.Wait()
	t := time.Now()
	c, _, _ := par(64, window(), func(g, i int) bool {
		_, err := kv(g).Put(ctx, string(key(pWatch, i%1000)), string(val(i)))
		must(err)
		return true
	})
	want := c * int64(nw)
	for atomic.LoadInt64(&delivered) < want {
		if time.Since(t).Seconds() > *capS {
			panic("events are missing")
		}
		time.Sleep(200 * time.Microsecond)
	}
	emit("events, watchers: "+itoa(nw), float64(want)/time.Since(t).Seconds(), "ev/s")
	emit("events, watchers: "+itoa(nw)+".ops", float64(want), "ev")
}

// keepAlives renews 1,000 leases on eight streams, 64 requests under way on each.
func keepAlives(ctx context.Context, conns []*clientv3.Client) {
	const leases, under = 1000, 64
	ids := make([]clientv3.LeaseID, leases)
	var wg sync.WaitGroup
	for g := range conns {
		wg.Add(1)
		go func(g int) {
			defer wg.Done()
			for i := g; i < leases; i += len(conns) {
				l, err := conns[g].Grant(ctx, 600)
				must(err)
				ids[i] = l.ID
			}
		}(g)
	}
	wg.Wait()
	var total int64
	t := time.Now()
	for g := range conns {
		wg.Add(1)
		go func(g int) {
			defer wg.Done()
			s, err := pb.NewLeaseClient(conns[g].ActiveConnection()).LeaseKeepAlive(ctx)
			must(err)
			send := func(i int) {
				must(s.Send(&pb.LeaseKeepAliveRequest{ID: int64(ids[(g+i*len(conns))%leases])}))
			}
			for i := 0; i < under; i++ {
				send(i)
			}
			for i := under; time.Since(t) < window(); i++ {
				r, err := s.Recv()
				must(err)
				if r.TTL != 600 {
					panic("a lease is lost")
				}
				atomic.AddInt64(&total, 1)
				send(i)
			}
			must(s.CloseSend())
		}(g)
	}
	wg.Wait()
	emit("keep-alives", float64(total)/time.Since(t).Seconds(), "op/s")
	emit("keep-alives.ops", float64(total), "op")
}
