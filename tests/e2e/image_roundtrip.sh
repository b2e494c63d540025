#!/bin/bash
# Disks of many sizes and contents are packed, and the second decoder, which shares nothing with the product, gets them
# back byte for byte, agrees about every figure, and finds the stored repair symbols right.
. "$(dirname "$0")/lib.sh"
requires python3 gzip xz zstd sgdisk
work=${TMPDIR:-$(mktemp -d)}
tool=$LAB_ROOT/tests/e2e/image_tool.py other=$LAB_ROOT/tools/ringimage.py
cd "$work"

# the_same SOURCE DISK: packs SOURCE, and both decoders find DISK in it
the_same()
{
    "$RINGCAST" pack "$1" -o x.ring --unsigned --force --level 4 2> pack.log || fail "pack $1: $(cat pack.log)"
    "$RINGCAST" verify x.ring 2> verify.log || fail "verify $1: $(cat verify.log)"
    "$other" verify x.ring --parity 8 || fail "the second decoder refuses $1"
    "$other" extract x.ring back.img
    cmp "$2" back.img || fail "$1 comes back changed"
    "$RINGCAST" info x.ring --json > a.json
    "$other" info x.ring > b.json
    "$tool" same-json a.json b.json || fail "$1: the decoders disagree"
}

for what in random:512 zero:512 text:1024 random:130560 random:131072 random:131584 zero:3145728 text:1048576 \
    sparse:20000256 mixed:4194304 mixed:5345792; do
    "$tool" make "${what%:*}" "${what#*:}" disk.img
    the_same disk.img disk.img
done

# Holes cost nothing: a terabyte of them is packed in a moment.
truncate -s 1T huge.img
printf 'x%.0s' {1..512} | dd of=huge.img bs=512 seek=1000000000 conv=notrunc status=none
"$RINGCAST" pack huge.img -o huge.ring --unsigned 2> pack.log || fail "huge: $(cat pack.log)"
[ "$(stat -c %s huge.ring)" -lt 1000000 ] || fail "a disk of holes became $(stat -c %s huge.ring) bytes"
rm huge.img

# A partition table shows in the figures, whatever way the disk comes in.
"$tool" make mixed 3145728 disk.img
sgdisk -n 1:2048:4095 -c 1:first -n 2:4096:0 -c 2:zweite disk.img > sgdisk.log
gzip -kf disk.img
xz -kf0 disk.img
zstd -qkf disk.img
for source in disk.img disk.img.gz disk.img.xz disk.img.zst; do
    the_same $source disk.img
    python3 -c 'import json; i = json.load(open("a.json")); assert i["table"] == "gpt" and i["name"] == "disk", i
assert [p["name"] for p in i["partitions"]] == ["first", "zweite"], i' || fail "$source lost its partitions"
done
"$RINGCAST" pack - -o x.ring --unsigned --force --name in < disk.img 2> pack.log || fail "stdin: $(cat pack.log)"
cat disk.img | "$RINGCAST" pack - -o y.ring --unsigned --force --name in 2> pack.log || fail "a pipe: $(cat pack.log)"
"$other" extract y.ring back.img
cmp disk.img back.img || fail "a pipe comes back changed"
pass "the second decoder gets every disk back"
