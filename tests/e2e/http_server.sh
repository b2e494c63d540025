#!/bin/bash
# HTTP to clients that are not ours: HEAD, ranges, connections that are kept, hundreds at once, strangers that hold on to theirs.
. "$(dirname "$0")/lib.sh"
requires curl cmp python3
make -s -C "$LAB_ROOT" build/e2e/serve_tool >&2

lab_up 2
for i in 1 2; do lab_address "${LAB_RECEIVER[i]}" "10.78.0.$((10 + i))/24"; done
tree=$LAB_DIR/tree
mkdir -p "$tree/efi"
head -c 2000000 /dev/urandom >"$tree/payload"
head -c 3000001 /dev/urandom >"$tree/efi/disk file"
: >"$tree/empty"
lab_start serve "$LAB_SERVER" "$LAB_ROOT/build/e2e/serve_tool" eth0 10.78.0.1/24 "$tree" payload
until_true 10 grep -q ready "$LAB_DIR/serve.err" || fail "the server does not start"

cd "$LAB_DIR"
box=http://10.78.0.1
run() { lab_exec "${LAB_RECEIVER[$1]}" "${@:2}"; } # RECEIVER CMD...
status() { run 1 curl -sS -o got -w '%{http_code}' "$@"; }

[ "$(status $box/payload)" = 200 ] && cmp got "$tree/payload" || fail "from memory"
[ "$(status "$box/efi/disk%20file?x=1")" = 200 ] && cmp got "$tree/efi/disk file" || fail "from a disk"
[ "$(status $box/empty)" = 200 ] && [ ! -s got ] || fail "empty"
run 1 curl -sS -I $box/payload >head
grep -qi '^content-length: 2000000' head || fail "HEAD does not say the length: $(cat head)"
[ "$(status -r 1000000-1999999 $box/payload)" = 206 ] && cmp got <(dd if="$tree/payload" bs=1000000 skip=1 count=1 status=none) ||
    fail "a range"
[ "$(status -r -7 $box/payload)" = 206 ] && cmp got <(tail -c 7 "$tree/payload") || fail "the last bytes"
head -c 1500000 "$tree/payload" >got
run 1 curl -sS -C - -o got $box/payload && cmp got "$tree/payload" || fail "going on in the middle"
[ "$(run 1 curl -sS $box/hello)" = "hello 00-01" ] || fail "a text made for the client"
pass "memory, disk, empty, HEAD, ranges, going on, made texts"

[ "$(status $box/nothing)" = 404 ] || fail "404"
[ "$(status --path-as-is $box/efi/../../etc/passwd)" = 404 ] || fail "out of the tree"
[ "$(status -r 2000000- $box/payload)" = 416 ] || fail "416"
[ "$(status -X DELETE $box/payload)" = 405 ] || fail "405"
[ "$(status -d body $box/payload)" = 405 ] || fail "POST"
[ "$(status -X GET -d body $box/payload)" = 400 ] || fail "GET with a body"
[ "$(status -H "x: $(head -c 9000 /dev/zero | tr '\0' x)" $box/payload)" = 431 ] || fail "431"
pass "404, 416, 405, 400, 431"

urls=()
for i in $(seq 20); do urls+=(-o /dev/null $box/empty -o /dev/null $box/nothing); done
[ "$(run 1 curl -sS -w '%{num_connects}\n' "${urls[@]}" | paste -sd+ | bc)" = 1 ] || fail "the connection is not kept"
pass "forty requests over one connection"

# 200 connections at once, of one machine.
urls=()
for i in $(seq 200); do urls+=(-o "many$i" $box/payload); done
began=$EPOCHREALTIME
LAB_TIMEOUT=300 run 2 curl -sS --parallel --parallel-immediate --parallel-max 200 "${urls[@]}" 2>said || fail "several at once: $(tail -3 said)"
seconds=$(python3 -c "print(round($EPOCHREALTIME - $began, 1))")
for i in $(seq 200); do cmp "many$i" "$tree/payload" || fail "transfer $i of several"; done
rm -f many*
pass "200 at once, 400 MB in $seconds s"

# A stranger takes all the connections there are and holds them, half a request in each; another does not read.
cat >hold.py <<'PYTHON'
import socket, sys, time
held = []
while len(held) < 400:
    s = socket.create_connection(("10.78.0.1", 80), timeout=5)
    s.send(b"GET /payload HTTP/1.1\r\nHost: x\r\n" + (b"\r\n" if len(held) % 2 else b""))
    held.append(s)
print("holding", flush=True)
time.sleep(30)
PYTHON
lab_start hold "${LAB_RECEIVER[2]}" python3 hold.py
until_true 30 grep -q holding hold.out || fail "the stranger cannot connect"
for i in 1 2 3; do
    [ "$(status --max-time 20 $box/payload)" = 200 ] && cmp got "$tree/payload" || fail "shut out by a stranger"
done
pass "a stranger's 400 connections shut nobody out"
lab_stop hold KILL

lab_loss 1 1
[ "$(status --max-time 60 "$box/efi/disk%20file")" = 200 ] && cmp got "$tree/efi/disk file" || fail "over a lossy line"
pass "1 % loss"

lab_stop serve
pass "$(cat serve.out)"
