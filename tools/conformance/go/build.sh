#!/bin/sh
# Builds goclient against etcd's own client as Debian ships it
# (apt-get install golang-go golang-etcd-server-dev).  Nothing is downloaded.
set -eu
cd "$(dirname "$0")"
command -v go >/dev/null || { echo "go is not installed: apt-get install golang-go golang-etcd-server-dev" >&2; exit 1; }
gp=$(dpkg -L golang-etcd-server-dev 2>/dev/null | sed -n 's#/src/go\.etcd\.io/etcd$##p' | head -n 1)
[ -n "$gp" ] || { echo "golang-etcd-server-dev is not installed" >&2; exit 1; }
mkdir -p bin
if [ ! -x bin/goclient ] || [ -n "$(find . -name '*.go' -newer bin/goclient)" ]; then
  GO111MODULE=off GOPATH="$gp" GOFLAGS= go build -o bin/goclient .
fi
