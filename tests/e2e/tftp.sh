#!/bin/bash
# TFTP to clients that are not ours, through the kernel's stack, over a line that loses frames; and what a client is told.
. "$(dirname "$0")/lib.sh"
requires tftp atftp curl busybox cmp
make -s -C "$LAB_ROOT" build/e2e/serve_tool >&2

lab_up 2
for i in 1 2; do lab_address "${LAB_RECEIVER[i]}" "10.78.0.$((10 + i))/24"; done
tree=$LAB_DIR/tree
mkdir -p "$tree/efi/boot" "$tree/01-52-49-4e-47-00-01"
head -c 5000000 /dev/urandom >"$tree/payload"
head -c 1024 /dev/urandom >"$tree/exact"
: >"$tree/empty"
head -c 100001 /dev/urandom >"$tree/efi/boot/BOOTX64.EFI"
echo everybody >"$tree/boot.cfg"
echo one >"$tree/01-52-49-4e-47-00-01/boot.cfg"
ln -s /etc/passwd "$tree/passwd"
lab_start serve "$LAB_SERVER" "$LAB_ROOT/build/e2e/serve_tool" eth0 10.78.0.1/24 "$tree" payload
until_true 10 grep -q ready "$LAB_DIR/serve.err" || fail "the server does not start"

cd "$LAB_DIR"
run() { lab_exec "${LAB_RECEIVER[$1]}" "${@:2}"; } # RECEIVER CMD...
same() { cmp "$tree/$1" "$LAB_DIR/got" || fail "$2 got something else for $1"; rm -f "$LAB_DIR/got"; }

for name in payload exact empty efi/boot/BOOTX64.EFI; do
    run 1 tftp -m binary 10.78.0.1 -c get "$name" got
    same $name tftp-hpa
    run 1 busybox tftp -g -r "$name" -l got -b 1428 10.78.0.1 2>/dev/null
    same $name "busybox tftp"
    if [ $name != empty ]; then # curl takes a size of 0 for an error
        run 1 curl -sS -o got "tftp://10.78.0.1/$name"
        same $name curl
    fi
    run 1 atftp -g -r "$name" -l got 10.78.0.1
    same $name atftp
done
pass "tftp-hpa, busybox, curl, atftp: large, exact, empty, in a folder"

run 1 curl -sS --tftp-blksize 1468 -o got tftp://10.78.0.1/efi/boot/bootx64.efi
same efi/boot/BOOTX64.EFI "curl, in other letters,"
for window in 2 8 64; do
    run 1 atftp --option "blksize 1400" --option "windowsize $window" -g -r payload -l got 10.78.0.1
    same payload "atftp with windows of $window"
done
pass "block sizes, windows, the case of names"

[ "$(run 1 curl -sS tftp://10.78.0.1/boot.cfg)" = one ] || fail "receiver 1 did not get its own boot.cfg"
[ "$(run 2 curl -sS tftp://10.78.0.1/boot.cfg)" = everybody ] || fail "receiver 2 did not get everybody's boot.cfg"
pass "a machine's own folder"

echo x >mine
export LAB_TIMEOUT=20
expect 68 run 1 curl -sS -o got tftp://10.78.0.1/nothing # curl's number for "file not found"
expect 68 run 1 curl -sS --path-as-is -o got tftp://10.78.0.1//../../../etc/passwd
expect 68 run 1 curl -sS -o got tftp://10.78.0.1/passwd
expect 69 run 1 curl -sS -T mine tftp://10.78.0.1/mine # and for "permission problem"
run 1 tftp -m binary 10.78.0.1 -c get nothing got >said 2>&1 || true
grep -q "no such file" said || fail "expected to hear that there is no such file, got: $(cat said)"
run 1 tftp -m ascii 10.78.0.1 -c get exact got >said 2>&1 || true
grep -q "octet" said || fail "ascii mode: expected to hear of octet, got: $(cat said)"
[ ! -e "$tree/mine" ] || fail "something was written"
rm -f got
pass "no such file, out of the tree, writing, ascii: refused in words"

lab_loss 1 2
for window in 1 8; do
    run 1 atftp --option "blksize 1400" --option "windowsize $window" -g -r efi/boot/BOOTX64.EFI -l got 10.78.0.1
    same efi/boot/BOOTX64.EFI "atftp over a lossy line"
done
pass "2 % loss"

for i in $(seq 40); do
    lab_start "many$i" "${LAB_RECEIVER[2]}" curl -sS --tftp-blksize 1428 -o "$LAB_DIR/many$i" tftp://10.78.0.1/payload
    [ $((i % 8)) != 0 ] || for j in $(seq $((i - 7)) "$i"); do
        lab_wait "many$j" 60 || fail "transfer $j of several failed"
        cmp "$tree/payload" "$LAB_DIR/many$j" || fail "transfer $j of several brought something else"
        rm "$LAB_DIR/many$j"
    done
done
pass "eight at once from one address, five times"

lab_stop serve
[ "$(json serve.out 'o["tftp"]["broken"] == 0 and o["tftp"]["left"] == 0')" = true ] || fail "broken transfers: $(cat serve.out)"
pass "$(cat serve.out)"
