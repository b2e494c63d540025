#!/bin/bash
# A disk packed, looked at, checked and restored from the file; what is free costs nothing; compressed sources are the same
# image; an interrupted pack leaves nothing that looks whole.
. "$(dirname "$0")/lib.sh"

small_ring
[ "$(stat -c %a "$LAB_DIR/small.key")" = 600 ] || fail "the private key is not private"
expect 0 "$RINGCAST" info --json "$LAB_DIR/small.ring"
[ "$(json "$LAB_DIR/expect.out" 'o["name"]')" = small ] || fail "it has another name"
[ "$(json "$LAB_DIR/expect.out" 'o["raw_bytes"]')" = "$(stat -c %s "$LAB_DIR/small.img")" ] || fail "it has another size"
expect 0 "$RINGCAST" verify "$LAB_DIR/small.ring" --key "$LAB_DIR/small.pub"
pass "packed, described, verified"

expect 0 "$RINGCAST" restore --source "$LAB_DIR/small.ring" --target "$LAB_DIR/disk1" --create --erase --noprompt --json \
    --key "$LAB_DIR/small.pub"
same_disk "$LAB_DIR/small.img" "$LAB_DIR/disk1"
[ "$(json "$LAB_DIR/expect.out" 'o["hash_verified"]')" = true ] || fail "it was not read back"
pass "restored from the file"

# 24 MB of noise lie in free blocks, 6 MB of zeros in a file, 25 MB in holes.
used=$(json "$LAB_DIR/expect.out" 'o["data_chunks"] * 131072')
[ "$used" -lt $((56 << 20)) ] || fail "takes $used bytes: more than is in use"
pass "$((used >> 20)) MiB taken of 160"

requires gzip xz zstd
dd if="$LAB_DIR/small.img" bs=1M skip=40 count=16 of="$LAB_DIR/raw" status=none
for kind in gzip xz zstd; do
    $kind -1 -c <"$LAB_DIR/raw" >"$LAB_DIR/$kind"
done
mv "$LAB_DIR/gzip" "$LAB_DIR/raw.gz"
mv "$LAB_DIR/xz" "$LAB_DIR/raw.xz"
mv "$LAB_DIR/zstd" "$LAB_DIR/raw.zst"
"$RINGCAST" pack - -o "$LAB_DIR/piped.ring" --name piped --unsigned <"$LAB_DIR/raw" 2>/dev/null
expect 0 "$RINGCAST" info --json "$LAB_DIR/piped.ring"
root=$(json "$LAB_DIR/expect.out" 'o["root"]')
for source in raw raw.gz raw.xz raw.zst; do
    expect 0 "$RINGCAST" pack "$LAB_DIR/$source" -o "$LAB_DIR/$source.ring" --unsigned
    expect 0 "$RINGCAST" info --json "$LAB_DIR/$source.ring"
    [ "$(json "$LAB_DIR/expect.out" 'o["root"]')" = "$root" ] || fail "from $source it is another image"
done
pass "the same image from a file, .gz, .xz, .zst and a pipe"

# From a pipe that does not end: the pack cannot be done before it is killed.
mkfifo "$LAB_DIR/endless"
{ cat "$LAB_DIR/small.img"; exec sleep 60; } >"$LAB_DIR/endless" &
endless=$!
"$RINGCAST" pack - -o "$LAB_DIR/killed.ring" --name killed --unsigned <"$LAB_DIR/endless" 2>/dev/null &
packing=$!
until_true 20 sh -c "[ -e $LAB_DIR/.killed.ring.?????? ]" || fail "it does not begin: $(ls -la "$LAB_DIR")"
kill -KILL $packing || fail "it was done before it could be interrupted"
wait $packing 2>/dev/null || true
kill $endless 2>/dev/null || true
wait $endless 2>/dev/null || true
if [ -e "$LAB_DIR/killed.ring" ]; then
    expect 1 "$RINGCAST" verify "$LAB_DIR/killed.ring"
fi
pass "an interrupted pack leaves nothing that looks whole"
