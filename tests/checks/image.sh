#!/bin/bash
# The flashable image as other people's tools see it: a sound partition table with the GUIDs PID 1 looks for, sound file systems,
# start files where firmware looks, a configuration the box accepts; and packing it wrongly is refused.
set -euo pipefail
cd "${TOP:-$PWD}"
export PATH=$PATH:/usr/sbin MTOOLS_SKIP_CHECK=1
image=build/ringcast-pc-x86_64.img
[ -e $image ] || { echo "$image is not there: make image"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "expected $*"; exit 1; }

sgdisk -v $image | grep -q 'No problems found' || fail "a sound table, got $(sgdisk -v $image)"
for part in 1 2 3 4; do
    guid=$(sgdisk -i $part $image | sed -n 's/^Partition unique GUID: //p')
    [ "$guid" = 52494E47-4341-5354-424F-58000000000$part ] || fail "partition $part to have PID 1's GUID, got $guid"
done
sgdisk -A 1:show $image | grep -q ':2:1' || fail "partition 1 to be marked for BIOS"
first() { sgdisk -i "$1" $image | awk '/^First sector/ { print $3 }'; }
size() { sgdisk -i "$1" $image | awk '/^Partition size/ { print $3 }'; }
for part in 1 4; do
    dd if=$image of="$work/$part" bs=1M skip=$(($(first $part) / 2048)) count=$(($(size $part) / 2048)) conv=sparse status=none
done
fsck.vfat -n "$work/1" > "$work/log" || fail "a sound FAT, got $(cat "$work/log")"
e2fsck -fn "$work/4" > "$work/log" 2>&1 || fail "a sound ext4, got $(cat "$work/log")"

for path in EFI/BOOT/BOOTX64.EFI syslinux/syslinux.cfg syslinux/initrd syslinux/ldlinux.sys syslinux/ldlinux.c32 \
    payload/ringcast-x86_64.efi payload/kernel payload/initrd payload/undionly.kpxe payload/leave.efi ringcast.conf; do
    mcopy -n -i "$work/1" "::$path" "$work/file" < /dev/null || fail "$path in the image"
    [ -s "$work/file" ] || fail "$path not to be empty"
    rm "$work/file"
done
for path in syslinux/initrd payload/initrd; do
    mcopy -n -i "$work/1" "::$path" "$work/${path%/initrd}" < /dev/null
done
[ "$(grep -ac 'BEGIN CERTIFICATE' "$work/syslinux")" -gt 50 ] || fail "the public authorities in the box's initramfs"
[ "$(grep -ac 'BEGIN CERTIFICATE' "$work/payload")" -lt 5 ] || fail "no authorities in the targets'"
mcopy -i "$work/1" ::ringcast.conf "$work/ringcast.conf"
"${RINGCAST:-build/ringcast}" box --check --config "$work/ringcast.conf" || fail "a configuration the box accepts"

# A stub whose header has no room must not be filled up.
stub=$work/stub
python3 - "$stub" << 'END'
import struct, sys
image = bytearray(1024)
struct.pack_into("<I", image, 0x3C, 64)                      # where the PE header is
struct.pack_into("<H12xH", image, 64 + 6, 1, 240)            # one section
struct.pack_into("<II", image, 64 + 24 + 32, 4096, 512)      # units
struct.pack_into("<8sIIII", image, 64 + 24 + 240, b".text", 1, 4096, 512, 64 + 24 + 240 + 40)
open(sys.argv[1], "wb").write(image)
END
! boot/uefi/mkuki "$stub" .linux="$stub" > "$work/uki" 2> "$work/log" || fail "mkuki to refuse a stub without room"
grep -q 'expected room' "$work/log" || fail "mkuki to say why, got $(cat "$work/log")"
