#!/bin/bash
# What must not pass does not: truncated, altered and strangers' images, sources cut short, outputs in the way; each with
# one sentence and its exit code, and nothing half made left behind. openssl agrees about keys and signatures.
. "$(dirname "$0")/lib.sh"
requires python3 openssl gzip
work=${TMPDIR:-$(mktemp -d)}
tool=$LAB_ROOT/tests/e2e/image_tool.py other=$LAB_ROOT/tools/ringimage.py
cd "$work"

# ends CODE PATTERN COMMAND...: with this exit code and one line on stderr, which matches
ends()
{
    local want=$1 pattern=$2 got=0
    shift 2
    "$@" > out.log 2> err.log || got=$?
    [ $got = "$want" ] || fail "expected exit $want, got $got: $*: $(cat err.log)"
    [ "$(grep -v -c -e '^verifying: ' -e '^packing: ' -e ': note: ' err.log)" = 1 ] || fail "expected one line: $*: $(cat err.log)"
    grep -qE "$pattern" err.log || fail "expected '$pattern': $*: $(cat err.log)"
}

"$tool" make mixed 2097152 disk.img
ends 0 'mine.key signs' "$RINGCAST" key -o mine
ends 0 'other.key signs' "$RINGCAST" key -o other
[ "$(stat -c %a mine.key)" = 600 ] || fail "the secret key is readable by others"
ends 4 'mine.key .*exists' "$RINGCAST" key -o mine
ends 0 'x.ring: ' "$RINGCAST" pack disk.img -o x.ring --key mine.key --label 'v1 ä'
ends 0 'u.ring: ' "$RINGCAST" pack disk.img -o u.ring --unsigned

# openssl reads the keys, and its verdict on the signature is ours
openssl pkey -in mine.key -pubout 2> openssl.log | cmp - mine.pub || fail "openssl sees another public key"
head -c 448 x.ring > signed.bin
python3 -c 'import sys
s = open("x.ring", "rb").read()[448:512]
def number(b):
    b = b.lstrip(b"\0") or b"\0"
    b = b"\0" + b if b[0] & 128 else b
    return bytes([2, len(b)]) + b
body = number(s[:32]) + number(s[32:])
open("sig.der", "wb").write(bytes([0x30, len(body)]) + body)'
openssl dgst -sha256 -verify mine.pub -signature sig.der signed.bin > openssl.log 2>&1 || fail "openssl refuses the signature"
openssl ecparam -name prime256v1 -genkey -noout -out theirs.key 2> openssl.log
openssl pkey -in theirs.key -pubout -out theirs.pub
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out pkcs8.key 2> openssl.log
openssl ecparam -name secp384r1 -genkey -noout -out p384.key 2> openssl.log
ends 0 'y.ring: ' "$RINGCAST" pack disk.img -o y.ring --key theirs.key
ends 0 'trusted key' "$RINGCAST" verify y.ring --key theirs.pub
ends 0 'y.ring: ' "$RINGCAST" pack disk.img -o y.ring --key pkcs8.key --force
ends 1 'not a private P-256' "$RINGCAST" pack disk.img -o z.ring --key p384.key
ends 1 'not a private P-256' "$RINGCAST" pack disk.img -o z.ring --key mine.pub

# who signed
ends 0 'trusted key' "$RINGCAST" verify x.ring --key mine.pub
ends 5 'another key' "$RINGCAST" verify x.ring --key other.pub
ends 5 'not signed' "$RINGCAST" verify u.ring --key mine.pub
ends 0 'signed \(by whom' "$RINGCAST" verify x.ring
ends 0 'not signed' "$RINGCAST" verify u.ring
"$other" verify x.ring --key mine.pub --parity 4 || fail "the second decoder refuses the signature"
! "$other" verify x.ring --key other.pub --parity 4 2> err.log || fail "the second decoder trusts a stranger"

# cut short, too long, one bit altered: in the head, the stream, the repair rows, the body
size=$(stat -c %s x.ring)
for n in 0 1 511 4095 4096 100000 $((size - 1)); do
    head -c "$n" x.ring > bad.ring
    ends 1 'too short|truncated' "$RINGCAST" verify bad.ring
    ends 1 'too short|truncated' "$RINGCAST" info bad.ring
done
{ cat x.ring; printf 'x'; } > bad.ring
ends 1 'too long' "$RINGCAST" verify bad.ring
for at in 0 9 20 90 130 160 300 390 450 600 4096 50000 500000 $((size - 200000)) $((size - 500)) $((size - 1)); do
    cp x.ring bad.ring
    "$tool" flip bad.ring "$at" 3
    ends 1 . "$RINGCAST" verify bad.ring
    ! "$other" verify bad.ring --parity 0 2> err.log || [ "$at" -ge 500000 ] || fail "byte $at: the second decoder takes it"
done
ends 1 'cannot be opened' "$RINGCAST" verify nowhere.ring
ends 1 'not a file' "$RINGCAST" verify .
"$RINGCAST" verify bad.ring --json > out.json 2> err.log || true
python3 -c 'import json; r = json.load(open("out.json")); assert not r["ok"] and r["error"] < 0 and r["cause"]' ||
    fail "a failure is no JSON"

# what is no disk
python3 - disk.img <<'E'
import gzip, sys
disk = open(sys.argv[1], "rb").read()
footer = b"conectix".ljust(512, b"\0")
for name, content in {
    "page.img": b"<!DOCTYPE html><html>404".ljust(1 << 20, b"\0"), "ubuntu.img": b"QFI\xfb\0\0\0\3".ljust(1 << 20, b"\0"),
    "fixed.img": disk + footer, "apple.img": disk + b"koly".ljust(512, b"\0"), "plain.img": gzip.compress(disk),
    "fixed.img.gz": gzip.compress(disk + footer), "tar.img.gz": gzip.compress((bytes(257) + b"ustar").ljust(1 << 20, b"\0")),
}.items():
    open(name, "wb").write(content)
E
ends 1 'got a web page' "$RINGCAST" pack page.img -o no.ring --unsigned
ends 1 'got a qcow2 disk: convert it first: qemu-img' "$RINGCAST" pack ubuntu.img -o no.ring --unsigned
ends 1 'got a VHD disk' "$RINGCAST" pack fixed.img -o no.ring --unsigned
ends 1 'got an Apple disk image' "$RINGCAST" pack apple.img -o no.ring --unsigned
ends 1 'got a gzip file' "$RINGCAST" pack plain.img -o no.ring --unsigned
ends 1 'got a VHD disk' "$RINGCAST" pack fixed.img.gz -o no.ring --unsigned
ends 1 'got a VHD disk' "$RINGCAST" pack - -o no.ring --unsigned < fixed.img
ends 1 'got a tar archive' "$RINGCAST" pack tar.img.gz -o no.ring --unsigned
ends 1 'got a .ring image' "$RINGCAST" pack u.ring -o no.ring --unsigned
[ ! -e no.ring ] || fail "something half made is left"

# sources and outputs
ends 4 'exists already' "$RINGCAST" pack disk.img -o x.ring --unsigned
ends 4 'same file' "$RINGCAST" pack disk.img -o disk.img --unsigned --force
ends 4 'not a file' "$RINGCAST" pack disk.img -o . --unsigned --force
ends 1 'cannot be opened' "$RINGCAST" pack nowhere -o z.ring --unsigned
ends 1 'directory' "$RINGCAST" pack . -o z.ring --unsigned
ends 1 'whole number' "$RINGCAST" pack mine.pub -o z.ring --unsigned
ends 1 'whole number' "$RINGCAST" pack - -o z.ring --unsigned < mine.pub
ends 1 'no file can be made' "$RINGCAST" pack disk.img -o no/such/z.ring --unsigned
ends 2 'either --key' "$RINGCAST" pack disk.img -o z.ring
ends 2 'level' "$RINGCAST" pack disk.img -o z.ring --unsigned --level 13
ends 2 'label' "$RINGCAST" pack disk.img -o z.ring --unsigned --label "$(printf 'a\tb')"
ends 2 'unknown' "$RINGCAST" pack disk.img -o z.ring --unsigned --colour
: > empty.img
ends 1 'empty' "$RINGCAST" pack empty.img -o z.ring --unsigned
gzip -kf disk.img
head -c 300000 disk.img.gz > cut.img.gz
got=0
"$RINGCAST" pack cut.img.gz -o z.ring --unsigned 2> err.log || got=$?
[ $got = 1 ] && grep -q 'gzip did not end well' err.log || fail "a cut .gz: exit $got: $(cat err.log)"

# interrupted: nothing is left
mkfifo pipe
"$RINGCAST" pack - -o z.ring --unsigned --threads 1 < pipe 2> err.log &
packing=$!
exec 7> pipe
cat disk.img >&7
until_true 20 sh -c '[ -e .z.ring.?????? ]' || fail "it does not begin"
kill -INT $packing 2> kill.log || fail "packing ended too early"
got=0
wait $packing || got=$?
exec 7>&-
[ $got = 1 ] && grep -q interrupted err.log || fail "interrupted: exit $got: $(cat err.log)"
[ ! -e z.ring ] || fail "an image is left"
[ -z "$(find . -name '.*.ring.*')" ] || fail "temporary files are left: $(find . -name '.*')"

# the same input, options and key: the same bytes
export SOURCE_DATE_EPOCH=1700000000
"$RINGCAST" pack disk.img -o 1.ring --key mine.key 2> err.log
"$RINGCAST" pack disk.img -o 2.ring --key mine.key --threads 1 2> err.log
cmp 1.ring 2.ring || fail "two packings differ"
pass "what must not pass does not"
