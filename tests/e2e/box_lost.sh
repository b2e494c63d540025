#!/bin/bash
# A box whose data cannot be read: it hands out addresses and nothing to boot, its page says why and takes no login, and nothing of its data is
# touched. The same when its key cannot be read; with an unreadable certificate the page alone is closed.
. "$(dirname "$0")/lib.sh"
requires "$RINGCAST" udhcpc tftp curl python3 openssl
lab_up 1
made_box '[dhcp]\npool = 10.78.0.50-10.78.0.60\n[session]\nstart = now\n'
cat >lease.sh <<'SCRIPT'
#!/bin/sh
[ "$1" = bound ] || exit 0
ip address flush dev "$interface"
ip address add "$ip/24" dev "$interface"
echo "$ip ${boot_file:-none}" >"$LEASES"
SCRIPT
chmod +x lease.sh
url=https://10.78.0.1 machine=${LAB_RECEIVER[1]}

box() { lab_start box "$LAB_SERVER" "$RINGCAST" box --config ringcast.conf --images images --payload payload --data data "$@"; }
leases()
{
    rm -f lease
    LEASES=$LAB_DIR/lease LAB_TIMEOUT=40 lab_exec "$machine" udhcpc -i eth0 -f -q -n -t 12 -T 1 -s "$LAB_DIR/lease.sh" -V PXEClient:Arch:00007 -x 0x5d:0007 \
        >ask.log 2>&1 && cat lease
}
status() { lab_exec "$machine" curl -sSk --max-time 20 -o got -w '%{http_code}' "$@"; }
everything() { find data -printf '%p %s %T@\n' | sort; }

# The box is one without its data: WORD is in the reason.
is_lost()
{
    until_true 20 grep -q 'the page is at' box.err || fail "no page: $(cat box.err)"
    grep -q "The data of this box cannot be read: .*$1" box.err || fail "the log does not say why: $(cat box.err)"
    grep -q 'set-up code' box.err && fail "a set-up code is offered"
    [[ $(leases) =~ ^10\.78\.0\.[56][0-9]\ none$ ]] || fail "the lease is not as expected: $(cat lease ask.log)"
    for path in / /plain /api/v1/health /api/v1/status; do
        [ "$(status "$url$path")" = 503 ] && grep -q "$1" got || fail "$path does not say why: $(cat got)"
    done
    [ "$(status -d '{"password":"correct horse"}' "$url/api/v1/login")" = 503 ] || fail "a login is taken: $(cat got)"
    [ "$(status "$url/api/v1/images")" = 401 ] || fail "the API is open: $(cat got)"
    [ "$(status "http://10.78.0.1/payload/ringcast-x86_64.efi")" = 404 ] || fail "the receiver is handed out"
    lab_exec "$machine" bash -c 'exec 3<>/dev/tcp/10.78.0.1/7800' 2>/dev/null && fail "sessions are taken"
    return 0
}

box
until_true 20 grep -q 'is up on eth0' box.err || fail "the box does not start: $(cat box.err)"
[[ $(leases) == *\ payload/ringcast-x86_64.efi ]] || fail "the box offers no receiver: $(cat lease ask.log)"
print=$(sed -n 's/.*fingerprint //p' box.err)
lab_stop box
before=$(everything)

box --data-lost '/dev/sda4 cannot be mounted: Input/output error'
is_lost Input/output
grep -q "$print" box.err && fail "the certificate is the one of the data"
lab_stop box
[ "$(everything)" = "$before" ] || fail "the data was touched"
pass "a box without its data hands out addresses, says why, and leaves everything alone"

key=$(sha256sum data/identity.key)
cp data/identity.key key && printf x | dd of=data/identity.key conv=notrunc status=none
cmp -s key data/identity.key && fail "the key is not damaged"
before=$(everything)
box
is_lost identity.key
lab_stop box
[ "$(everything)" = "$before" ] || fail "the data was touched"
cp key data/identity.key
[ "$(sha256sum data/identity.key)" = "$key" ] || fail "the key is not as it was"
pass "nor is another key made because the one there is damaged"

truncate -s 100 data/tls/identity
sum=$(sha256sum data/tls/identity)
box
until_true 20 grep -q 'is up on eth0' box.err || fail "the box does not start: $(cat box.err)"
[ "$(status $url/)" = 503 ] && grep -q 'certificate.*damaged' got || fail "the page does not say why: $(cat got)"
[ "$(status -d '{"password":"correct horse"}' $url/api/v1/login)" = 503 ] || fail "a login is taken: $(cat got)"
[[ $(leases) == *\ payload/ringcast-x86_64.efi ]] || fail "the box offers no receiver: $(cat lease ask.log)"
lab_stop box
[ "$(sha256sum data/tls/identity)" = "$sum" ] || fail "the certificate was replaced"
pass "a damaged certificate closes the page and nothing else"
