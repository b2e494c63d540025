#!/bin/bash
# An image that is damaged is refused before it erases anybody; one that somebody cuts short while it is given out is taken away, and the room of
# the other goes on; a core that starts again reads nothing in full a second time.
. "$(dirname "$0")/lib.sh"
small_ring
lab_up 2
cd "$LAB_DIR"
mkdir -p data/images images
cp small.ring data/images/small.ring
"$RINGCAST" pack small.img -o images/other.ring --name other --level 1 --unsigned 2>>pack.err
"$RINGCAST" pack small.img -o images/bad.ring --name bad --level 1 --unsigned 2>>pack.err
"$RINGCAST" pack small.img -o images/torn.ring --name torn --level 1 --unsigned 2>>pack.err
python3 - <<'PYTHON'
with open("images/bad.ring", "r+b") as f:
    f.seek(4096 + 9_000_000)
    before = f.read(1 << 20)
    f.seek(4096 + 9_000_000)
    f.write(bytes(b ^ 255 for b in before))
PYTHON
truncate -s -4000 images/torn.ring
printf '[box]\naddress = 10.78.0.1/24\n[dhcp]\nmode = off\n[ring]\nrate = 60Mbit\n' >ringcast.conf

box()
{
    lab_start box "$LAB_SERVER" "$RINGCAST" box --config ringcast.conf --data data --images images
    until_true 30 grep -q 'is up on eth0 as 10.78.0.1' box.err || fail "the box does not start: $(cat box.err)"
}
restore()                                                                               # RECEIVER NAME [OPTION...]
{
    local i=$1 name=$2
    shift 2
    lab_start "r$i" "${LAB_RECEIVER[$i]}" "$RINGCAST" restore --source "ringcast://10.78.0.1/$name" --target "disk$i" --erase --noprompt --json \
        --timeout 20 --key data/identity.pub --interface eth0 --address "10.78.0.1$i/24" "$@"
}

box
until_true 60 grep -q ' other: serving' box.err || fail "other is not given out: $(cat box.err)"
until_true 60 grep -q ' small: serving' box.err || fail "small is not given out: $(cat box.err)"
until_true 60 grep -Eq ' bad is bad: .*(chunk|symbol|block) [0-9]+' box.err || fail "what is damaged was not found: $(cat box.err)"
grep -q ' torn is bad: .*truncated' box.err || fail "what is torn is not named: $(cat box.err)"
head -c 167772160 /dev/zero | tr '\0' U >disk1
restore 1 bad
lab_wait r1 30 && fail "a damaged image was given out"
grep -q 'bad is not given out: the image is damaged' r1.err || fail "no reason: $(cat r1.err)"
cmp -s <(head -c 1M disk1) <(head -c 1M /dev/zero | tr '\0' U) || fail "a disk was erased for an image that is damaged"
pass "a damaged image is refused with its place, and erases nothing"

restore 1 other
restore 2 small --create
until_true 30 grep -q 'percent\|%' r2.err || fail "nothing comes: $(cat r2.err)"
truncate -s 12M data/images/small.ring
until_true 30 grep -q 'small is not given out any more: the image.s file was changed' box.err || fail "the box does not say what it lost: $(tail -5 box.err)"
lab_wait r1 60 || fail "the other image's machine: $(cat r1.err)"
lab_wait r2 60 && fail "an image that was cut short was said to be whole"
cmp -s -n 65536 disk1 small.img || fail "the other image is not on the disk"
grep -q 'no packet' r2.err && fail "the machine was not told that its session has ended"
pass "what was cut short is taken away, the other goes on"

grep -c 'is read in full' box.err >before || true
lab_stop box KILL
cp box.err box1.err
box
until_true 30 grep -q ' other: serving' box.err || fail "other is not given out again: $(cat box.err)"
grep -q 'other is read in full' box1.err || fail "it was not read at first: $(cat box1.err)"
grep -q 'other is read in full' box.err && fail "it was read a second time"
pass "what has been read in full is not read again after a restart"
