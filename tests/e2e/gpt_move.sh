#!/bin/bash
# A partition table's copy stands at the real end of a disk that is larger than the image's: sgdisk and sfdisk find nothing wrong, the
# partitions are the image's, and so is every byte outside of the table. Sectors of 512 and of 4096 bytes.
. "$(dirname "$0")/lib.sh"
small_ring
cd "$LAB_DIR"

# judged DISK: what the judges say of it.
judged()
{
    sgdisk -v "$1" >judge.out 2>&1 || fail "sgdisk -v $1: $(cat judge.out)"
    grep -q 'No problems found' judge.out || fail "sgdisk: $(cat judge.out)"
    grep -qi 'caution\|warning\|problem:' judge.out && fail "sgdisk: $(cat judge.out)"
    sfdisk --verify "$1" >judge.out 2>&1 || fail "sfdisk --verify: $(cat judge.out)"
    grep -qi 'not match\|corrupt\|backup' judge.out && fail "sfdisk: $(cat judge.out)"
    return 0
}

# partitions DISK: a line each, without the numbers that belong to the disk's size.
partitions() { partition_table "$1" | tail -n +2; }

# moved IMAGE.ring SOURCE DISK: restored onto DISK, which is of another size, and judged.
moved()
{
    expect 0 "$RINGCAST" restore --source "$1" --key small.pub --target "$3" --create --erase --noprompt --json
    [ "$(json expect.out 'o["table_copy"]')" = moved ] || fail "the copy was not moved: $(json expect.out 'o["table_copy"]')"
    judged "$3"
    cmp <(partitions "$2") <(partitions "$3") || fail "$3 has other partitions"
}

size=$(stat -c %s small.img)
for more in 512 4096 16384 16896 17408 1048576 200000000; do
    rm -f disk
    truncate -s $((size + more)) disk
    moved small.ring small.img disk
    # All outside of sectors 0 and 1, up to where the old copy began, is as it would be on a disk of the same size.
    cmp -n $((size - 1024 - 17408)) -i 1024 <("$RINGCAST" restore --source small.ring --key small.pub --target same --create --erase \
        --noprompt 2>/dev/null; cat same) disk || fail "with $more bytes more, other bytes changed"
done
pass "seven larger disks"

dd if=/dev/urandom of=disk bs=1M count=170 conv=notrunc status=none
moved small.ring small.img disk
expect 0 "$RINGCAST" restore --source small.ring --key small.pub --target disk --create --erase --noprompt --json
[ "$(json expect.out 'o["kept_chunks"]')" -gt 100 ] || fail "the second time nothing was kept"
judged disk
pass "a disk with other data, and once more onto the same"

expect 0 "$RINGCAST" restore --source small.ring --key small.pub --target exact --create --erase --noprompt --json
[ "$(json expect.out 'o["table_copy"]')" = "as it is" ] || fail "on a disk of the image's size something was moved"
judged exact

# The same table with a wrong sum: it is restored as it is, and said.
cp small.img damaged.img
flip damaged.img 560
"$RINGCAST" pack damaged.img -o damaged.ring --key small.key --name damaged --level 1 2>/dev/null || fail "pack"
rm -f disk
truncate -s 200M disk
expect 0 "$RINGCAST" restore --source damaged.ring --key small.pub --target disk --create --erase --noprompt --json
[ "$(json expect.out 'o["table_copy"]')" = left ] || fail "a damaged table was moved"
expect_says "the copy of its partition table is not at the disk's end"
pass "the same size, and a damaged table"

# 4096-byte sectors need a device that has them.
truncate -s 100M four.img
if [ "$(id -u)" = 0 ] && loop=$(losetup --show -b 4096 -f four.img 2>/dev/null); then
    lab_on_exit 'losetup -d "$loop" 2>/dev/null || true'
    sgdisk -n 1:256:12287 -n 2:12288:24063 -c 2:"the rest" "$loop" >/dev/null || fail "sgdisk"
    head -c 20000000 /dev/urandom | dd of="$loop" bs=1M seek=1 status=none
    sync
    judged "$loop"
    partitions "$loop" >before
    losetup -d "$loop"
    "$RINGCAST" pack four.img -o four.ring --key small.key --name four --level 1 2>/dev/null || fail "pack"
    truncate -s 333M larger.img
    loop=$(losetup --show -b 4096 -f larger.img)
    expect 0 "$RINGCAST" restore --source four.ring --key small.pub --target "$loop" --erase --noprompt --json
    [ "$(json expect.out 'o["table_copy"]')" = moved ] || fail "4096: not moved"
    judged "$loop"
    partitions "$loop" | cmp - before || fail "4096: other partitions"
    losetup -d "$loop"
    pass "sectors of 4096 bytes"
else
    say "no loop devices here: sectors of 4096 bytes were tried by the unit test alone"
fi

# Beyond 2 TiB, where 32 bits do not count the sectors: a partition of the image, and the copy of its table on a larger disk.
rm -f disk
truncate -s 3T disk
moved small.ring small.img disk
rm -f disk
truncate -s 2200G big.img
sgdisk -n 1:2048:+8M -n 2:2100G:+8M big.img >/dev/null 2>&1 || fail "sgdisk"
dd if=/dev/urandom of=big.img bs=1M seek=$((2100 * 1024)) count=8 conv=notrunc status=none
"$RINGCAST" pack big.img -o big.ring --key small.key --name big --level 1 2>/dev/null || fail "pack"
truncate -s 2100G disk # where the last partition begins
expect 4 "$RINGCAST" restore --source big.ring --key small.pub --target disk --create --erase --noprompt
truncate -s $((2200 * 1024 * 1024 * 1024 - 512)) disk
moved big.ring big.img disk
truncate -s 2300G disk
moved big.ring big.img disk
cmp -n $((8 << 20)) -i $((2100 << 30)) big.img disk || fail "another partition beyond 2 TiB"
pass "more than 2 TiB"
