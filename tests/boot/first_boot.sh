#!/bin/bash
# The power goes at some instant of the first boot, on a disk that takes half a second a write so that the instants spread; after the next
# boot the data partition and its file system reach to the end of the disk, and nothing is damaged. CUTS and SEED choose. Then the data
# partition is damaged: nothing takes its place, and the keys at the box decide.
set -euo pipefail
cd "${TOP:-$PWD}"
export PATH=$PATH:/usr/sbin
work=${TMPDIR:-$(mktemp -d)}
limit=${LIMIT:-240}
image=${IMAGE:-$PWD/build/ringcast-pc-x86_64.img}
pid=
RANDOM=${SEED:-1}

for what in qemu-system-x86_64 sgdisk e2fsck dumpe2fs; do
    command -v $what > /dev/null || { echo "$what is not installed"; exit 77; }
done
[ -e "$image" ] || { echo "$image is not there: make image"; exit 77; }
trap '[ -z "$pid" ] || kill -KILL $pid 2> /dev/null || true' EXIT

fail() { echo "expected $1"; tail -n 30 "$work/log" | cat -v; exit 1; }

wait_for() {
    local end=$((SECONDS + limit))
    until grep -q "$1" "$work/log" 2> /dev/null; do
        kill -0 "$pid" 2> /dev/null || fail "'$1' on the serial port before the machine ends"
        [ $SECONDS -lt $end ] || fail "'$1' on the serial port within $limit s"
        sleep 0.1
    done
}

# start WRITES-PER-SECOND [NIC]
start() {
    rm -f "$work/log" "$work/serial"
    qemu-system-x86_64 -accel tcg -m 512 -display none -no-reboot -nic "${2:-none}" \
        -chardev "socket,id=serial,path=$work/serial,server=on,wait=off,logfile=$work/log" -serial chardev:serial \
        -drive "file=$work/disk,format=raw,if=virtio,throttling.iops-write=$1" &
    pid=$!
}

power_off() {
    kill -KILL $pid
    wait $pid 2> /dev/null || true
    pid=
}

# blocks: how many the file system on the data partition has.
blocks() { dumpe2fs -h "$work/disk?offset=$((first * 512))" 2> /dev/null | awk '/^Block count/ { print $3 }'; }

for ((cut = 1; cut <= ${CUTS:-4}; cut++)); do
    cp --sparse=always "$image" "$work/disk"
    truncate -s 1G "$work/disk"
    first=$(sgdisk -i 4 "$work/disk" 2> /dev/null | awk '/^First sector/ { print $3 }')
    start 2
    wait_for '^init: '
    after=$((RANDOM % 8000))
    sleep "$((after / 1000)).$(printf %03d $((after % 1000)))"
    power_off
    then=$(sgdisk -i 4 "$work/disk" 2> /dev/null | awk '/^Last sector/ { print $3 }'), cut_blocks=$(blocks)
    start 10000
    wait_for 'no network interface has a link'
    power_off
    sgdisk -v "$work/disk" | grep -q 'No problems found' || fail "a sound partition table: $(sgdisk -v "$work/disk")"
    last=$(sgdisk -i 4 "$work/disk" | awk '/^Last sector/ { print $3 }')
    [ "$last" = $((2097152 - 34)) ] || fail "a data partition up to sector 2097118, got $last"
    dd if="$work/disk" of="$work/data" bs=1M iflag=skip_bytes,count_bytes skip=$((first * 512)) count=$(((last - first + 1) * 512)) \
        conv=sparse status=none
    e2fsck -fy "$work/data" > "$work/fsck" 2>&1 || [ $? = 1 ] || fail "a sound file system: $(cat "$work/fsck")"
    [ "$(blocks)" -ge $(((last - first + 1) / 8 - 32768)) ] || fail "a file system as large as its partition, got $(blocks) blocks"
    echo "cut after $after ms: the partition ended at $then, the file system had $cut_blocks blocks; finished at the next boot"
done

# press KEY: on the box's serial port; asked WORD: the key's question is there, and Y answers it.
press() { python3 -c 'import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.send(sys.argv[2].encode())' "$work/serial" "$1"; }
decide() {
    press "$1"
    wait_for "$2"
    press y
}
mark() { sgdisk -i 4 "$work/disk" 2> /dev/null | awk '/^Attribute flags/ { print $3 }'; }
until_marked() {
    local end=$((SECONDS + limit))
    until [ "$(mark)" = 0001000000000000 ]; do
        [ $SECONDS -lt $end ] || fail "the mark that the box keeps its memory, got $(mark)"
        sleep 0.2
    done
}

[ "$(mark)" = 0000000000000000 ] || fail "no mark before the box has kept anything, got $(mark)"
start 10000 user
wait_for 'is up on'
until_marked
power_off
dd if="$work/disk" of="$work/head" bs=4096 skip=$((first / 8)) count=16 status=none
[ "$(tr -d '\0' < "$work/head" | wc -c)" -gt 100 ] || fail "a superblock to damage"
dd if=/dev/zero of="$work/disk" bs=4096 seek=$((first / 8)) count=16 conv=notrunc status=none
start 10000 user
wait_for 'The data of this box cannot be read: /dev/.*4 cannot be mounted'
wait_for 'the page is at'
! grep -q 'set-up code' "$work/log" || fail "no set-up code"
decide t 'Try the data partition again'
wait_for 'the data partition is tried again'
until [ "$(grep -c 'The data of this box cannot be read' "$work/log")" -ge 2 ]; do sleep 0.2; done
wait_for 'the page is at'
sleep 1
decide n ERASE
wait_for 'a new file system for /dev/.*4'
wait_for 'is up on'
until_marked
grep -q 'The set-up code is' "$work/log" || fail "a box that starts anew"
power_off
dd if="$work/disk" of="$work/data" bs=1M iflag=skip_bytes,count_bytes skip=$((first * 512)) count=$(((last - first + 1) * 512)) conv=sparse status=none
e2fsck -fy "$work/data" > "$work/fsck" 2>&1 || [ $? = 1 ] || fail "a sound file system: $(cat "$work/fsck")"
echo "a damaged data partition waits for the keys: tried again, then made anew"
