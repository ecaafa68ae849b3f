// Command bbolt runs the real bbolt over a file:
//
//	bbolt check FILE     its own consistency check
//	bbolt digest FILE    SHA-256 of the contents, as in the fixture listings
//	bbolt mutate FILE N  N transactions of random puts and deletes in every top-level bucket, a check after each
//	bbolt hold FILE      opens it for writing, prints `held`, and stays until its input ends
//	bbolt bench FILE PUTS COMMITS random|append   milliseconds a commit of that many puts of 256 bytes, as JSON
package main

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"math/rand"
	"os"
	"strconv"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
)

func main() {
	if len(os.Args) < 3 {
		fail("usage: bbolt check|digest|mutate|hold|bench FILE ...")
	}
	db, err := bolt.Open(os.Args[2], 0600, &bolt.Options{Timeout: 5 * time.Second, ReadOnly: os.Args[1] == "check" || os.Args[1] == "digest"})
	if err != nil {
		fail(err.Error())
	}
	defer db.Close()
	switch os.Args[1] {
	case "check":
		check(db)
	case "digest":
		digest(db)
	case "mutate":
		mutate(db, number(3))
	case "hold":
		fmt.Println("held")
		io.Copy(io.Discard, os.Stdin)
	case "bench":
		bench(db, number(3), number(4), os.Args[5])
	default:
		fail("unknown command " + os.Args[1])
	}
}

func check(db *bolt.DB) {
	problems := 0
	must(db.View(func(tx *bolt.Tx) error {
		for err := range tx.Check() {
			problems++
			fmt.Println(err)
		}
		return nil
	}))
	if problems > 0 {
		fail(fmt.Sprintf("%d problems", problems))
	}
	fmt.Println("OK")
}

func digest(db *bolt.DB) {
	sum := sha256.New()
	must(db.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(name []byte, bucket *bolt.Bucket) error { return digestBucket(sum, name, bucket) })
	}))
	fmt.Printf("%x\n", sum.Sum(nil))
}

func digestBucket(sum hash.Hash, name []byte, bucket *bolt.Bucket) error {
	sum.Write([]byte{'B'})
	part(sum, name)
	sequence := make([]byte, 8)
	binary.BigEndian.PutUint64(sequence, bucket.Sequence())
	sum.Write(sequence)
	err := bucket.ForEach(func(key, value []byte) error {
		if value == nil {
			return digestBucket(sum, key, bucket.Bucket(key))
		}
		sum.Write([]byte{'K'})
		part(sum, key)
		part(sum, value)
		return nil
	})
	sum.Write([]byte{'E'})
	return err
}

func part(sum hash.Hash, bytes []byte) {
	length := make([]byte, 4)
	binary.BigEndian.PutUint32(length, uint32(len(bytes)))
	sum.Write(length)
	sum.Write(bytes)
}

func mutate(db *bolt.DB, rounds int) {
	random := rand.New(rand.NewSource(1))
	for round := 0; round < rounds; round++ {
		must(db.Update(func(tx *bolt.Tx) error {
			var names [][]byte
			must(tx.ForEach(func(name []byte, _ *bolt.Bucket) error {
				names = append(names, append([]byte{}, name...))
				return nil
			}))
			for _, name := range names {
				bucket := tx.Bucket(name)
				var keys [][]byte
				must(bucket.ForEach(func(key, value []byte) error {
					if value != nil {
						keys = append(keys, append([]byte{}, key...))
					}
					return nil
				}))
				for _, key := range keys {
					switch random.Intn(4) {
					case 0:
						must(bucket.Delete(key))
					case 1:
						must(bucket.Put(key, make([]byte, random.Intn(600))))
					}
				}
				for i := 0; i < 10; i++ {
					must(bucket.Put([]byte(fmt.Sprintf("m%d", random.Intn(100000))), make([]byte, random.Intn(300))))
				}
			}
			return nil
		}))
		check(db)
	}
}

func bench(db *bolt.DB, puts, commits int, order string) {
	random := rand.New(rand.NewSource(7))
	value := make([]byte, 256)
	random.Read(value)
	next := uint64(0)
	var wall, cpu time.Duration
	// The first commit reads what was just opened and is not counted.
	for commit := 0; commit <= commits; commit++ {
		start, used := time.Now(), processTime()
		must(db.Update(func(tx *bolt.Tx) error {
			bucket, err := tx.CreateBucketIfNotExists([]byte("key"))
			must(err)
			if order == "append" {
				bucket.FillPercent = 0.9
			}
			for i := 0; i < puts; i++ {
				key := make([]byte, 32)
				if order == "append" {
					key[0] = 255
					binary.BigEndian.PutUint64(key[1:], next)
					next++
				} else {
					random.Read(key)
				}
				must(bucket.Put(key, value))
			}
			return nil
		}))
		if commit > 0 {
			wall += time.Since(start)
			cpu += processTime() - used
		}
	}
	each := func(total time.Duration) float64 { return float64(total.Microseconds()) / 1000 / float64(commits) }
	fmt.Printf("{\"wall\": %.3f, \"cpu\": %.3f}\n", each(wall), each(cpu))
}

func processTime() time.Duration {
	var usage syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func number(index int) int {
	value, err := strconv.Atoi(os.Args[index])
	must(err)
	return value
}

func must(err error) {
	if err != nil {
		fail(err.Error())
	}
}

func fail(text string) {
	fmt.Fprintln(os.Stderr, text)
	os.Exit(1)
}
