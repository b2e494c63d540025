#!/bin/bash
# Disks as people have them: what a former owner of the disk or another format left there, and what a target of another kind makes of it.
. "$(dirname "$0")/lib.sh"
requires python3 mke2fs losetup sfdisk mkfs.vfat mmd mcopy gzip
work=${TMPDIR:-$(mktemp -d)}
cd "$work"

# pack SOURCE IMAGE: unsigned, quickly; notes are in pack.log
pack()
{
    "$RINGCAST" pack "$1" -o "$2" --unsigned --force --level 1 > pack.json --json 2> pack.log || fail "$1: $(cat pack.log)"
}

# restore IMAGE TARGET
restore()
{
    "$RINGCAST" restore --source "$1" --target "$2" --create --erase --any-signer --noprompt 2> restore.log
}

# the sector size of a disk without a table is the device's, and is compared
if [ "$(id -u)" = 0 ] && truncate -s 20M volume.img target.img && loop=$(losetup --show -f volume.img 2>/dev/null); then
    lab_on_exit 'losetup -d "$loop" 2>/dev/null || true'
    mke2fs -q -F -b 1024 "$loop"
    pack "$loop" volume.ring
    losetup -d "$loop"
    "$RINGCAST" info volume.ring | grep -q 'sectors of 512 bytes$' || fail "the device's sectors are not stated: $("$RINGCAST" info volume.ring)"
    loop=$(losetup --show -b 4096 -f target.img)
    got=0
    restore volume.ring "$loop" || got=$?
    [ $got = 4 ] || fail "a target of 4096-byte sectors takes a volume of 512-byte ones: exit code $got"
    grep -q 'sectors of 4096 bytes' restore.log || fail "the refusal does not say why: $(cat restore.log)"
    losetup -d "$loop"
    pack volume.img volume.ring
    "$RINGCAST" info volume.ring | grep -q 'sectors of 512 bytes (assumed)' || fail "a file's sectors are known: $("$RINGCAST" info volume.ring)"
fi
# a volume that another owner has taken over is packed whole, whatever the old file system's records say
truncate -s 100M old.img
mke2fs -q -F -b 4096 -E nodiscard old.img
python3 - old.img <<'E'
import random, struct, sys
chance, size = random.Random(1), 100 << 20
with open(sys.argv[1], "r+b") as f:
    for label in (0, 262144, size - 524288, size - 262144): # a ZFS pool: the uberblocks of its labels, and data
        for k in range(4, 32):
            f.seek(label + 131072 + 4096 * k)
            f.write(struct.pack("<QQQQQ", 0x00bab10c, 5000, 10 + k, 0, 1))
    f.seek(70 << 20)
    f.write(chance.randbytes(3 << 20))
E
pack old.img old.ring
grep -q 'note: .* packed' pack.log || fail "no note: $(cat pack.log)"
rm -f back.img
restore old.ring back.img || fail "$(cat restore.log)"
cmp old.img back.img || fail "a volume of another owner lost bytes"

# a partition's ends are written although they are free: an old mark there must not come alive again where discard does nothing
truncate -s 60M ends.img
printf 'label: gpt\n2048,102400,L\n' | sfdisk -q ends.img
mke2fs -q -F -E offset=1048576 ends.img 50M
pack ends.img ends.ring
! grep -q 'note:' pack.log || fail "a sound disk is doubted: $(cat pack.log)"
PYTHONPATH=$LAB_ROOT/tools PYTHONDONTWRITEBYTECODE=1 python3 - ends.ring <<'E' || fail "the ends of a partition are called free"
import sys
from ringimage import CHUNK, Image
runs = Image(sys.argv[1]).body.runs
free = {n for state, first, count in runs if state == 2 for n in range(first, first + count)}
first, end, mib = 1 << 20, 51 << 20, 1 << 20
edges = {b // CHUNK for at in (first, end - mib) for b in range(at, at + mib, CHUNK)}
sys.exit(bool(free & edges) or len(free) < 200)
E
# a whole GPT wins over a name that the boot code of a former FAT has kept
truncate -s 100M named.img
mkfs.vfat -F 32 named.img > mkfs.log
printf 'label: gpt\n2048,59M\n' | sfdisk -q --wipe never named.img
pack named.img named.ring
"$RINGCAST" info named.ring | grep -q '^table  *GPT' || fail "a FAT's name hides the table: $("$RINGCAST" info named.ring)"

# an image that starts nothing under UEFI is told of
for bits in 12 16 32; do
    rm -f esp.img
    truncate -s 80M esp.img
    printf 'label: gpt\n2048,122880,C12A7328-F81F-11D2-BA4B-00A0C93EC93B\n' | sfdisk -q esp.img
    mkfs.vfat -F $bits -s $((bits == 12 ? 64 : bits == 16 ? 8 : 1)) --offset 2048 esp.img 61440 > mkfs.log 2>&1 || fail "$(cat mkfs.log)"
    mmd -i esp.img@@1M ::/EFI ::/EFI/debian
    pack esp.img esp.ring
    grep -q 'note: the EFI system partition has no .*BOOTX64.EFI' pack.log || fail "FAT$bits: nothing is said: $(cat pack.log)"
    mmd -i esp.img@@1M ::/EFI/BOOT
    echo starts > starter
    mcopy -i esp.img@@1M starter ::/EFI/BOOT/bootx64.efi
    pack esp.img esp.ring
    ! grep note: pack.log || fail "FAT$bits: a starter is not found"
done

# bytes behind what gzip compressed are left out and told of; what is cut short is none of that
gzip -c ends.img > ends.img.gz
printf '{ "metadata_version": "1.1" }' >> ends.img.gz
pack ends.img.gz trailer.ring
grep -q 'note: .*bytes behind its compressed contents' pack.log || fail "the trailer is not told of: $(cat pack.log)"
rm -f back.img
restore trailer.ring back.img || fail "$(cat restore.log)"
cmp ends.img back.img || fail "a file with a trailer comes back changed"
{ head -c 30M ends.img | gzip -c; echo more; } > cut.img.gz
! "$RINGCAST" pack cut.img.gz -o cut.ring --unsigned 2> pack.log || fail "a source that ends within its partition is packed"
grep -q 'ends before its last partition' pack.log || fail "$(cat pack.log)"
# the copy of a GPT is no data: a disk that is smaller than the image's, but holds its partitions, takes it; one of the same size is the same
truncate -s 200M large.img
printf 'label: gpt\n2048,20M\n,80M\n' | sfdisk -q large.img
head -c 5000000 /dev/urandom | dd of=large.img bs=1M seek=90 conv=notrunc status=none
pack large.img large.ring
rm -f back.img small.img
restore large.ring back.img || fail "$(cat restore.log)"
cmp large.img back.img || fail "the copy is not made as it was"
truncate -s 120M small.img
restore large.ring small.img || fail "a smaller disk does not take a GPT image: $(cat restore.log)"
sfdisk --verify small.img > judge.log 2>&1 || fail "$(cat judge.log)"
! grep -qi 'corrupt\|backup' judge.log || fail "$(cat judge.log)"
cmp -n 5000000 -i $((90 << 20)) large.img small.img || fail "a smaller disk has other bytes"
# a copy that is not what would be made stays as it is
cp large.img odd.img
printf '\377' | dd of=odd.img bs=1 seek=$(((200 << 20) - 200)) conv=notrunc status=none
! cmp -s large.img odd.img || fail "nothing is damaged"
pack odd.img odd.ring
rm -f back.img
restore odd.ring back.img || fail "$(cat restore.log)"
cmp odd.img back.img || fail "an unusual copy is not kept"
pass "disks of all kinds come back whole"
