#!/bin/bash
# Unicast: a disk from an ordinary web server, and what it says when the server cannot do it.
. "$(dirname "$0")/lib.sh"
requires lighttpd

from()
{
    expect "$1" lab_exec "${LAB_RECEIVER[1]}" "$RINGCAST" restore --source "$2" --target "$LAB_DIR/disk1" --create --erase --noprompt \
        --json --timeout 5 --key "$LAB_DIR/small.pub" --interface eth0 --address 10.78.0.11/24
}

small_ring
lab_up 1
lab_address "$LAB_SERVER" 10.78.0.1/24
cat >"$LAB_DIR/lighttpd.conf" <<CONF
server.document-root = "$LAB_DIR"
server.port = 80
server.modules = ("mod_access")
CONF
lab_start web "$LAB_SERVER" lighttpd -D -f "$LAB_DIR/lighttpd.conf"
until_true 10 lab_exec "$LAB_SERVER" bash -c 'exec 3<>/dev/tcp/127.0.0.1/80' || fail "lighttpd does not start"

from 0 http://10.78.0.1/small.ring
same_disk "$LAB_DIR/small.img" "$LAB_DIR/disk1"
pass "from http: $(json "$LAB_DIR/expect.out" 'o["seconds"]') s"
rm "$LAB_DIR/disk1"

from 1 http://10.78.0.1/nothing.ring
expect_says 404
from 1 http://10.78.0.1:81/small.ring
from 1 http://10.78.0.9/small.ring
[ ! -s "$LAB_DIR/disk1" ] || [ "$(tr -d '\0' <"$LAB_DIR/disk1" | wc -c)" = 0 ] || fail "a failed restore wrote something"
pass "no such file, no such port, no such host: failed, in words, nothing written"

head -c 30000000 "$LAB_DIR/small.ring" >"$LAB_DIR/cut.ring"
from 1 http://10.78.0.1/cut.ring
pass "a cut file: $(grep FAIL "$LAB_DIR/expect.err")"
