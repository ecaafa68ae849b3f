package main

import (
	"io"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/coreos/pkg/capnslog"
	"go.uber.org/zap"

	"go.etcd.io/etcd/lease"
	"go.etcd.io/etcd/mvcc"
	"go.etcd.io/etcd/mvcc/backend"
	"go.etcd.io/etcd/pkg/traceutil"
)

func heapBytes() float64 {
	runtime.GC()
	runtime.GC()
	var ms runtime.MemStats
	runtime.ReadMemStats(&ms)
	return float64(ms.HeapAlloc)
}

// runLease does what leases.mjs does with etcd's lessor: -n leases with a key
// each, then one lease with -n keys.  Leases are revoked one by one, as the
// server does; the lessor's own pace, 1,000 a second, is left out.
func runLease() {
	capnslog.SetGlobalLogLevel(capnslog.CRITICAL)
	log.SetOutput(io.Discard)
	must(os.MkdirAll(*dir, 0o755))
	cfg := backend.DefaultBackendConfig()
	cfg.Path = filepath.Join(*dir, "db")
	be := backend.New(cfg)
	le := lease.NewLessor(zap.NewNop(), be, nil, lease.LessorConfig{MinLeaseTTL: 1, CheckpointInterval: time.Hour})
	kv := mvcc.New(zap.NewNop(), be, le, nil, nil, mvcc.StoreConfig{})
	le.SetRangeDeleter(func() lease.TxnDelete { return kv.Write(traceutil.TODO()) })
	le.Promote(0)

	base := heapBytes()
	began := time.Now()
	for i := 1; i <= *n; i++ {
		_, err := le.Grant(lease.LeaseID(i), 1800)
		must(err)
	}
	emit("grant", float64(time.Since(began).Microseconds())/float64(*n), "us/op")
	be.ForceCommit()
	leases := heapBytes()
	emit("lease", (leases-base)/float64(*n), "bytes")

	// Attached as the store does, which then has the keys besides.
	for i := 1; i <= *n; i++ {
		must(le.Attach(lease.LeaseID(i), []lease.LeaseItem{{Key: string(key(pLoad, i))}}))
	}
	keys := heapBytes()
	emit("key", (keys-leases)/float64(*n), "bytes")

	began = time.Now()
	for i := 1; i <= *n; i++ {
		_, err := le.Renew(lease.LeaseID(i))
		must(err)
	}
	emit("renew", float64(time.Since(began).Microseconds())/float64(*n), "us/op")

	v := []byte("v")
	began = time.Now()
	for i := 1; i <= *n; i++ {
		kv.Put(key(pLoad, i), v, lease.LeaseID(i))
	}
	emit("put", float64(time.Since(began).Microseconds())/float64(*n), "us/op")
	began = time.Now()
	for i := 1; i <= *n; i++ {
		must(le.Revoke(lease.LeaseID(i)))
	}
	be.ForceCommit()
	emit("revoke", time.Since(began).Seconds(), "s in all")

	// A new lessor: maps keep the room that they once had.
	cfg.Path = filepath.Join(*dir, "one")
	other := lease.NewLessor(zap.NewNop(), backend.New(cfg), nil, lease.LessorConfig{MinLeaseTTL: 1})
	_, err := other.Grant(1, 1800)
	must(err)
	before := heapBytes()
	for i := 1; i <= *n; i++ {
		must(other.Attach(1, []lease.LeaseItem{{Key: string(key(pLoad, i))}}))
	}
	emit("key.one", (heapBytes()-before)/float64(*n), "bytes")
	runtime.KeepAlive(le)
	runtime.KeepAlive(other)
}
