#!/bin/bash
# The image starts by BIOS from a disk and by UEFI from a USB stick: PID 1 finds its partitions and lets the data partition
# grow, and the core draws its page into whatever framebuffer the firmware left. Machines are emulated: the limits are generous.
set -euo pipefail
cd "${TOP:-$PWD}"
work=${TMPDIR:-$(mktemp -d)}
limit=${LIMIT:-240}
image=$PWD/build/ringcast-pc-x86_64.img
ovmf=/usr/share/OVMF

for what in qemu-system-x86_64 sgdisk; do
    PATH=$PATH:/usr/sbin command -v $what > /dev/null || { echo "$what is not installed"; exit 77; }
done
[ -e $ovmf/OVMF_CODE_4M.fd ] || { echo "OVMF is not installed"; exit 77; }

fail() { echo "expected $1"; tail -n 30 "$work/$2" | cat -v; exit 1; }

# wait_for PATTERN LOG PID
wait_for() {
    local end=$((SECONDS + limit))
    until grep -q "$1" "$work/$2" 2> /dev/null; do
        kill -0 "$3" 2> /dev/null || fail "'$1' on the serial port before the machine ends" "$2"
        [ $SECONDS -lt $end ] || fail "'$1' on the serial port within $limit s" "$2"
        sleep 0.5
    done
}

# start NAME QEMU-OPTION...: runs the machine until its page is there.
start() {
    local name=$1 pid
    shift
    qemu-system-x86_64 -accel tcg -m 512 -display none -no-reboot -nic none -serial "file:$work/$name" \
        -qmp "unix:$work/qmp,server,nowait" \
        -drive "file=$work/disk,format=raw,if=none,id=disk" "$@" &
    pid=$!
    trap 'kill $pid 2> /dev/null' EXIT
    wait_for '^init: ' "$name" $pid
    wait_for 'takes the rest of the disk' "$name" $pid
    page=$(python3 tests/boot/page.py "$work/qmp" "$limit") || fail "the core's page on the screen" "$name"
    kill $pid
    wait $pid || true
    trap - EXIT
    echo "$name: $(grep -m1 '^init: ' "$work/$name" | tr -d '\r'); page $page"
}

fresh() {
    cp --sparse=always "$image" "$work/disk"
    truncate -s 1G "$work/disk"
}
uefi() {
    cp $ovmf/OVMF_VARS_4M.fd "$work/vars"
    firmware=(-machine q35 -drive "if=pflash,format=raw,readonly=on,file=$ovmf/OVMF_CODE_4M.fd"
        -drive "if=pflash,format=raw,file=$work/vars")
}

fresh
start bios-virtio -device virtio-blk-pci,drive=disk
PATH=$PATH:/usr/sbin sgdisk -v "$work/disk" | grep -q 'No problems found' || fail "a sound partition table" bios-virtio

fresh
uefi
start uefi-usb "${firmware[@]}" -device qemu-xhci -device usb-storage,drive=disk
rm -f "$work/disk" "$work/vars"
