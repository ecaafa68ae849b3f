// goclient does with clientv3, etcd's own client for Go, what programs do, on an
// empty server at -endpoint.  A line for each step, with what came of it; the
// lines are the same for every etcd.  Last line: "N of M steps as expected".
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"sync"
	"time"

	"github.com/coreos/pkg/capnslog"
	"go.etcd.io/etcd/clientv3"
	"go.etcd.io/etcd/clientv3/concurrency"
	"go.etcd.io/etcd/clientv3/leasing"
	"go.etcd.io/etcd/clientv3/mirror"
	"go.etcd.io/etcd/clientv3/namespace"
	"go.etcd.io/etcd/clientv3/ordering"
	"go.etcd.io/etcd/etcdserver/api/v3rpc/rpctypes"
	"google.golang.org/grpc"
)

var endpoint = flag.String("endpoint", "", "host:port")

var (
	c   *clientv3.Client
	ctx context.Context
)

type step struct {
	name, want string
	run        func() (string, error)
}

func main() {
	flag.Parse()
	capnslog.SetGlobalLogLevel(capnslog.CRITICAL)
	log.SetOutput(io.Discard)
	var cancel context.CancelFunc
	ctx, cancel = context.WithTimeout(context.Background(), 200*time.Second)
	defer cancel()
	var err error
	c, err = clientv3.New(clientv3.Config{
		Endpoints:   []string{*endpoint},
		DialTimeout: 60 * time.Second,
		DialOptions: []grpc.DialOption{grpc.WithBlock()},
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	defer c.Close()
	good := 0
	for _, s := range steps {
		got, err := s.run()
		if err != nil {
			got = "error " + err.Error()
		}
		mark := "as expected"
		if got == s.want {
			good++
		} else {
			mark = "expected " + s.want
		}
		fmt.Printf("%s: %s (%s)\n", s.name, got, mark)
	}
	fmt.Printf("%d of %d steps as expected\n", good, len(steps))
	if good != len(steps) {
		os.Exit(1)
	}
}

func put(k, v string, o ...clientv3.OpOption) int64 {
	r, err := c.Put(ctx, k, v, o...)
	if err != nil {
		panic(err)
	}
	return r.Header.Revision
}

func keys(r *clientv3.GetResponse) string {
	s := ""
	for _, kv := range r.Kvs {
		s += string(kv.Key) + "=" + string(kv.Value) + " "
	}
	return fmt.Sprintf("%scount %d more %v", s, r.Count, r.More)
}

var steps = []step{
	{"put with the previous", "1", func() (string, error) {
		put("a", "1")
		r, err := c.Put(ctx, "a", "2", clientv3.WithPrevKV())
		if err != nil {
			return "", err
		}
		return string(r.PrevKv.Value), nil
	}},
	{"get, serializable too", "a=2 count 1 more false, a=2 count 1 more false", func() (string, error) {
		l, err := c.Get(ctx, "a")
		if err != nil {
			return "", err
		}
		s, err := c.Get(ctx, "a", clientv3.WithSerializable())
		if err != nil {
			return "", err
		}
		return keys(l) + ", " + keys(s), nil
	}},
	{"range, sorted and limited", "k3=c k2=b count 3 more true", func() (string, error) {
		put("k1", "a")
		put("k2", "b")
		put("k3", "c")
		r, err := c.Get(ctx, "k", clientv3.WithPrefix(), clientv3.WithLimit(2),
			clientv3.WithSort(clientv3.SortByValue, clientv3.SortDescend))
		if err != nil {
			return "", err
		}
		return keys(r), nil
	}},
	{"range of first and last key", "k1 k3", func() (string, error) {
		f, err := c.Get(ctx, "k", clientv3.WithFirstCreate()...)
		if err != nil {
			return "", err
		}
		l, err := c.Get(ctx, "k", clientv3.WithLastRev()...)
		if err != nil {
			return "", err
		}
		return string(f.Kvs[0].Key) + " " + string(l.Kvs[0].Key), nil
	}},
	{"delete a range with the previous", "2 k2=b", func() (string, error) {
		r, err := c.Delete(ctx, "k2", clientv3.WithRange("k4"), clientv3.WithPrevKV())
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%d %s=%s", r.Deleted, r.PrevKvs[0].Key, r.PrevKvs[0].Value), nil
	}},
	{"txn, nested", "true 3 x=y count 1 more false", func() (string, error) {
		r, err := c.Txn(ctx).If(clientv3.Compare(clientv3.CreateRevision("x"), "=", 0)).Then(
			clientv3.OpPut("x", "y"),
			clientv3.OpTxn(nil, []clientv3.Op{clientv3.OpPut("z", "1")}, nil),
			clientv3.OpGet("x"),
		).Commit()
		if err != nil {
			return "", err
		}
		g := (*clientv3.GetResponse)(r.Responses[2].GetResponseRange())
		return fmt.Sprintf("%v %d %s", r.Succeeded, len(r.Responses), keys(g)), nil
	}},
	{"txn, duplicate key", "true", func() (string, error) {
		_, err := c.Txn(ctx).Then(clientv3.OpPut("d", "1"), clientv3.OpPut("d", "2")).Commit()
		return fmt.Sprint(err == rpctypes.ErrDuplicateKey), nil
	}},
	{"errors that programs compare", "true true true", func() (string, error) {
		_, empty := c.Put(ctx, "", "x")
		_, future := c.Get(ctx, "a", clientv3.WithRev(1<<40))
		_, lease := c.Put(ctx, "a", "x", clientv3.WithLease(12345))
		return fmt.Sprint(empty == rpctypes.ErrEmptyKey, future == rpctypes.ErrFutureRev, lease == rpctypes.ErrLeaseNotFound), nil
	}},
	{"compaction", "true", func() (string, error) {
		rev := put("a", "3")
		if _, err := c.Compact(ctx, rev, clientv3.WithCompactPhysical()); err != nil {
			return "", err
		}
		_, err := c.Get(ctx, "a", clientv3.WithRev(rev-1))
		return fmt.Sprint(err == rpctypes.ErrCompacted), nil
	}},
	{"watch, and from a compacted revision", "PUT w1 DELETE w1, compacted true", func() (string, error) {
		wctx, cancel := context.WithCancel(ctx)
		defer cancel()
		rev := put("w1", "v")
		if _, err := c.Delete(ctx, "w1"); err != nil {
			return "", err
		}
		s, n := "", 0
		for r := range c.Watch(wctx, "w", clientv3.WithPrefix(), clientv3.WithRev(rev), clientv3.WithPrevKV()) {
			for _, e := range r.Events {
				s += e.Type.String() + " " + string(e.Kv.Key) + " "
				n++
			}
			if n == 2 {
				break
			}
		}
		r := <-c.Watch(wctx, "w", clientv3.WithPrefix(), clientv3.WithRev(1))
		return s[:len(s)-1] + fmt.Sprintf(", compacted %v", r.Err() == rpctypes.ErrCompacted), nil
	}},
	{"a thousand watchers, progress on request", "1000 true", func() (string, error) {
		wctx, cancel := context.WithCancel(ctx)
		defer cancel()
		var wg sync.WaitGroup
		var mu sync.Mutex
		seen := 0
		for i := 0; i < 1000; i++ {
			ch := c.Watch(wctx, "many", clientv3.WithCreatedNotify(), clientv3.WithFragment())
			if r := <-ch; !r.Created {
				return "", errors.New("not created")
			}
			wg.Add(1)
			go func() {
				defer wg.Done()
				r := <-ch
				mu.Lock()
				seen += len(r.Events)
				mu.Unlock()
			}()
		}
		put("many", "1")
		wg.Wait()
		ch := c.Watch(wctx, "many", clientv3.WithCreatedNotify())
		<-ch
		if err := c.RequestProgress(wctx); err != nil {
			return "", err
		}
		r := <-ch
		return fmt.Sprintf("%d %v", seen, r.IsProgressNotify()), nil
	}},
	{"lease, kept alive", "30 l true 1", func() (string, error) {
		l, err := c.Grant(ctx, 30)
		if err != nil {
			return "", err
		}
		put("l", "1", clientv3.WithLease(l.ID))
		once, err := c.KeepAliveOnce(ctx, l.ID)
		if err != nil {
			return "", err
		}
		kctx, cancel := context.WithCancel(ctx)
		ch, err := c.KeepAlive(kctx, l.ID)
		if err != nil {
			return "", err
		}
		first := <-ch
		cancel()
		t, err := c.TimeToLive(ctx, l.ID, clientv3.WithAttachedKeys())
		if err != nil {
			return "", err
		}
		ls, err := c.Leases(ctx)
		if err != nil {
			return "", err
		}
		_, err = c.Revoke(ctx, l.ID)
		return fmt.Sprintf("%d %s %v %d", once.TTL, t.Keys[0], first.TTL == 30, len(ls.Leases)), err
	}},
	{"lease that runs out", "DELETE e, -1", func() (string, error) {
		l, err := c.Grant(ctx, 4)
		if err != nil {
			return "", err
		}
		rev := put("e", "1", clientv3.WithLease(l.ID))
		r := <-c.Watch(ctx, "e", clientv3.WithRev(rev+1))
		t, err := c.TimeToLive(ctx, l.ID)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%s %s, %d", r.Events[0].Type, r.Events[0].Kv.Key, t.TTL), nil
	}},
	{"concurrency: mutexes of ten sessions", "10", func() (string, error) {
		var wg sync.WaitGroup
		n, errs := 0, make(chan error, 10)
		for i := 0; i < 10; i++ {
			wg.Add(1)
			go func() {
				defer wg.Done()
				s, err := concurrency.NewSession(c, concurrency.WithTTL(60))
				if err != nil {
					errs <- err
					return
				}
				defer s.Close()
				m := concurrency.NewMutex(s, "/mutex")
				if err := m.Lock(ctx); err != nil {
					errs <- err
					return
				}
				was := n
				time.Sleep(time.Millisecond)
				n = was + 1
				if err := m.Unlock(ctx); err != nil {
					errs <- err
				}
			}()
		}
		wg.Wait()
		select {
		case err := <-errs:
			return "", err
		default:
			return fmt.Sprint(n), nil
		}
	}},
	{"concurrency: election, the leader resigns", "one two", func() (string, error) {
		elect := func() (*concurrency.Session, *concurrency.Election, error) {
			s, err := concurrency.NewSession(c, concurrency.WithTTL(60))
			if err != nil {
				return nil, nil, err
			}
			return s, concurrency.NewElection(s, "/election"), nil
		}
		s1, e1, err := elect()
		if err != nil {
			return "", err
		}
		defer s1.Close()
		s2, e2, err := elect()
		if err != nil {
			return "", err
		}
		defer s2.Close()
		if err := e1.Campaign(ctx, "one"); err != nil {
			return "", err
		}
		first, err := e2.Leader(ctx)
		if err != nil {
			return "", err
		}
		done := make(chan error)
		go func() { done <- e2.Campaign(ctx, "two") }()
		if err := e1.Resign(ctx); err != nil {
			return "", err
		}
		if err := <-done; err != nil {
			return "", err
		}
		second, err := e1.Leader(ctx)
		if err != nil {
			return "", err
		}
		return string(first.Kvs[0].Value) + " " + string(second.Kvs[0].Value), nil
	}},
	{"concurrency: software transactional memory", "20", func() (string, error) {
		var wg sync.WaitGroup
		for i := 0; i < 20; i++ {
			wg.Add(1)
			go func() {
				defer wg.Done()
				_, _ = concurrency.NewSTM(c, func(s concurrency.STM) error {
					s.Put("stm", s.Get("stm")+"+")
					return nil
				})
			}()
		}
		wg.Wait()
		r, err := c.Get(ctx, "stm")
		if err != nil {
			return "", err
		}
		return fmt.Sprint(len(r.Kvs[0].Value)), nil
	}},
	{"namespace, ordering, leasing, mirror", "n=1 count 1 more false, ns/n, cached v, 1", func() (string, error) {
		nkv := namespace.NewKV(c.KV, "ns/")
		if _, err := nkv.Put(ctx, "n", "1"); err != nil {
			return "", err
		}
		okv := ordering.NewKV(nkv, func(clientv3.Op, clientv3.OpResponse, int64) error { return errors.New("older") })
		r, err := okv.Get(ctx, "n")
		if err != nil {
			return "", err
		}
		raw, err := c.Get(ctx, "ns/", clientv3.WithPrefix())
		if err != nil {
			return "", err
		}
		lkv, done, err := leasing.NewKV(c, "leasing/")
		if err != nil {
			return "", err
		}
		defer done()
		put("cached", "v")
		for i := 0; i < 2; i++ {
			if _, err := lkv.Get(ctx, "cached"); err != nil {
				return "", err
			}
		}
		l, err := lkv.Get(ctx, "cached")
		if err != nil {
			return "", err
		}
		n := 0
		ch, errs := mirror.NewSyncer(c, "ns/", 0).SyncBase(ctx)
		for r := range ch {
			n += len(r.Kvs)
		}
		if err := <-errs; err != nil {
			return "", err
		}
		return fmt.Sprintf("%s, %s, cached %s, %d", keys(r), raw.Kvs[0].Key, l.Kvs[0].Value, n), nil
	}},
	{"maintenance: status, hash, defragment, alarms", "true true 0", func() (string, error) {
		s, err := c.Status(ctx, *endpoint)
		if err != nil {
			return "", err
		}
		h, err := c.HashKV(ctx, *endpoint, 0)
		if err != nil {
			return "", err
		}
		if _, err := c.Defragment(ctx, *endpoint); err != nil {
			return "", err
		}
		a, err := c.AlarmList(ctx)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%v %v %d", s.Leader == s.Header.MemberId && s.DbSize > 0, h.Hash != 0, len(a.Alarms)), nil
	}},
	{"maintenance: snapshot, with its hash", "true", func() (string, error) {
		r, err := c.Snapshot(ctx)
		if err != nil {
			return "", err
		}
		b, err := io.ReadAll(r)
		if err != nil {
			return "", err
		}
		at := len(b) - sha256.Size
		sum := sha256.Sum256(b[:at])
		return fmt.Sprint(at%512 == 0 && bytes.Equal(sum[:], b[at:])), nil
	}},
	{"cluster: members, and a client that follows them", "1 a=3 count 1 more false", func() (string, error) {
		m, err := c.MemberList(ctx)
		if err != nil {
			return "", err
		}
		if err := c.Sync(ctx); err != nil {
			return "", err
		}
		r, err := c.Get(ctx, "a")
		if err != nil {
			return "", err
		}
		return fmt.Sprint(len(m.Members)) + " " + keys(r), nil
	}},
}
