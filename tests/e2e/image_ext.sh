#!/bin/bash
# ext2, ext3 and ext4 in all their layouts: what dumpe2fs calls used comes back to the bit, what it calls free is left out,
# and a file system that is not clean is packed whole.
. "$(dirname "$0")/lib.sh"
requires python3 mke2fs dumpe2fs debugfs e2fsck
work=${TMPDIR:-$(mktemp -d)}
tool=$LAB_ROOT/tests/e2e/image_tool.py other=$LAB_ROOT/tools/ringimage.py
cd "$work"
mkdir -p tree/deep
cp "$LAB_ROOT"/imaging/image/*.c tree/deep
"$tool" make random 3000000 tree/random
"$tool" make text 2000000 tree/text

# make_fs SIZE OPTION...: on a file whose every byte was set before, so that free blocks are not zero by chance
make_fs()
{
    local size=$1
    shift
    rm -f fs.img
    truncate -s "$size" fs.img
    "$tool" fill fs.img
    mke2fs -q -F -E nodiscard,lazy_itable_init=0 -d tree "$@" fs.img 2> mke2fs.log || return 1
    debugfs -w -R 'rm text' fs.img > debugfs.log 2>&1 # blocks that were used once
}

pack()
{
    "$RINGCAST" pack fs.img -o fs.ring --unsigned --force --level 1 2> pack.log || fail "$*: $(cat pack.log)"
    "$other" extract fs.ring back.img
}

# trusted NAME SIZE OPTION...
trusted()
{
    local name=$1 free
    shift
    make_fs "$@" || { say "$name: this mke2fs cannot"; return 0; }
    pack "$name"
    ! grep -q note: pack.log || fail "$name: $(grep note: pack.log)"
    free=$("$tool" same-but-free fs.img back.img) || fail "$name: $free"
    [ "$free" -gt 1000 ] || fail "$name: only $free free blocks"
    e2fsck -fn back.img > e2fsck.log 2>&1 || fail "$name: e2fsck finds faults in the copy: $(cat e2fsck.log)"
}

# whole NAME: fs.img as it stands is packed whole, with a note that says why
whole()
{
    pack "$1"
    grep -q 'note: .*free blocks are packed too' pack.log || fail "$1: no note: $(cat pack.log)"
    cmp fs.img back.img || fail "$1: comes back changed"
}

# harm COMMAND...: changes fs.img, or fails
harm()
{
    local before
    before=$(sha256sum fs.img)
    "$@" > harm.log 2>&1 || fail "$*: $(cat harm.log)"
    [ "$(sha256sum fs.img)" != "$before" ] || fail "$* changes nothing: $(cat harm.log)"
}

trusted ext2-1k 40M -t ext2 -b 1024
trusted ext2-old 40M -r 0 -b 1024
trusted ext3 60M -t ext3
trusted ext4 300M -t ext4
trusted ext4-1k 60M -t ext4 -b 1024
trusted ext4-2k 60M -t ext4 -b 2048
trusted ext4-32bit 60M -t ext4 -O ^64bit
trusted ext4-nocsum 60M -t ext4 -O ^metadata_csum,uninit_bg
trusted ext4-nosums 60M -t ext4 -O ^metadata_csum,^uninit_bg
trusted ext4-noflex 60M -t ext4 -b 1024 -O ^flex_bg
trusted ext4-meta 60M -t ext4 -b 1024 -O meta_bg,^resize_inode
trusted ext4-meta-noflex 100M -t ext4 -b 1024 -g 1024 -O meta_bg,^resize_inode,^flex_bg
trusted ext4-nosparse 60M -t ext4 -b 1024 -O ^sparse_super,^resize_inode
trusted ext4-sparse2 60M -t ext4 -b 1024 -O sparse_super2
trusted ext4-seed 60M -t ext4 -O metadata_csum_seed
trusted ext4-odd 61234K -t ext4 -b 1024

make_fs 300M -t ext4 -b 4096
harm dd if=/dev/zero of=fs.img bs=1M seek=128 count=1 conv=notrunc status=none # where the second group begins
whole "half overwritten"
if make_fs 60M -t ext4 -O bigalloc -C 65536; then
    whole bigalloc
    grep -q 'clusters (bigalloc)' pack.log || fail "bigalloc is not named: $(cat pack.log)"
fi
truncate -s 60M journal.img
mke2fs -q -F -O journal_dev journal.img
mv journal.img fs.img
whole "a journal device"
grep -q 'journal device' pack.log || fail "a journal device is not named: $(cat pack.log)"

# what is free costs what holes cost
rm -f fs.img fs.ring back.img
truncate -s 1T fs.img
mke2fs -q -F -t ext4 -E nodiscard,lazy_itable_init=1 fs.img 2> mke2fs.log || fail "$(cat mke2fs.log)"
(ulimit -t 20 && "$RINGCAST" pack fs.img -o fs.ring --unsigned --force --level 1 2> pack.log) || fail "a TB of nothing takes too long: $(tail -n 1 pack.log)"
! grep -q note: pack.log || fail "1 TB: $(grep note: pack.log)"
rm -f fs.img fs.ring
make_fs 60M -t ext4
harm debugfs -w -R 'ssv state 0' fs.img
whole "not clean"
make_fs 60M -t ext4
harm debugfs -w -R 'feature needs_recovery' fs.img
whole "journal not replayed"
make_fs 60M -t ext4
printf 'set_bg 0 free_blocks_count 7\nset_bg 0 checksum calc\n' > harm.txt
harm debugfs -w -f harm.txt fs.img
whole "a wrong count"
make_fs 60M -t ext4 -b 1024
pack sound
! grep -q note: pack.log || fail "a sound one is doubted: $(cat pack.log)"
printf 'set_bg 5 free_blocks_count 7\nset_bg 5 checksum calc\n' > harm.txt
harm debugfs -w -f harm.txt fs.img
whole "one group of many"
pass "ext file systems come back, their free blocks stay out"
