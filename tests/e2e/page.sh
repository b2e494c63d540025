#!/bin/bash
# A person with a browser at the page of a real box: TLS, TCP and HTTP are its own, the browser is Debian's Chromium.
. "$(dirname "$0")/lib.sh"
requires "$RINGCAST" node chromium "$LAB_ROOT/build/gen/www/index.html.gz"
lab_up 1
small_ring
lab_address "${LAB_RECEIVER[1]}" 10.78.0.11/24
cd "$LAB_DIR"
mkdir data
printf '[box]\naddress = 10.78.0.1/24\n[dhcp]\nmode = off\n' >ringcast.conf
lab_start box "$LAB_SERVER" "$RINGCAST" box --config ringcast.conf --data data
until_true 20 grep -q 'is up on eth0 as 10.78.0.1' box.err || fail "the box does not start"
code=$(sed -n 's/^No password is set. The set-up code is \([0-9A-Z-]*\)\.$/\1/p' box.err)
[ -n "$code" ] || fail "there is no set-up code"

status=0
LAB_TIMEOUT=420 lab_exec "${LAB_RECEIVER[1]}" node "$LAB_ROOT/tests/web/box.mjs" https://10.78.0.1 "$code" small.img >page.out 2>page.err || status=$?
cat page.out >&2
[ $status != 77 ] || skip "$(tail -n 1 page.out)"
[ $status = 0 ] || fail "the browser"
pass "set-up, login, every part of the page, in Chromium over TLS"
