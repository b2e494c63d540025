#!/bin/bash
# Disks as people have them: what a former owner of the disk or another format left there, and what a target of another kind makes of it.
. "$(dirname "$0")/lib.sh"
requires python3 mke2fs losetup sfdisk
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
    "$RINGCAST" restore --source "$1" --target "$2" --erase --any-signer --noprompt 2> restore.log
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

pass "disks of all kinds come back whole"
