#!/bin/bash
# What must not be done is not done: the documented exit code, one clear sentence, and the target as it was.
. "$(dirname "$0")/lib.sh"

small_ring
TARGET=$LAB_DIR/target
head -c 160M /dev/urandom >"$TARGET"
before=$(sha256sum <"$TARGET")

# refused STATUS PATTERN WHAT ARG...: restore with these arguments is refused in these words; the target is untouched.
refused()
{
    local status=$1 pattern=$2 what=$3
    shift 3
    expect "$status" "$RINGCAST" restore --noprompt --json "$@"
    expect_says "$pattern"
    [ "$(sha256sum <"$TARGET")" = "$before" ] || fail "$what: the target was touched"
    pass "$what: exit $status: $(grep -Ei -m1 -- "$pattern" "$LAB_DIR/expect.err")"
}

GOOD=(--source "$LAB_DIR/small.ring" --key "$LAB_DIR/small.pub")
ON=(--target "$TARGET" --erase)

refused 2 erase "without --erase" "${GOOD[@]}" --target "$TARGET"
refused 1 . "no such image" --source "$LAB_DIR/none.ring" --key "$LAB_DIR/small.pub" "${ON[@]}"
refused 1 . "not an image" --source "$LAB_DIR/small.img" --key "$LAB_DIR/small.pub" "${ON[@]}"

"$RINGCAST" key -o "$LAB_DIR/stranger" 2>/dev/null
refused 5 sign "signed by a stranger" --source "$LAB_DIR/small.ring" --key "$LAB_DIR/stranger.pub" "${ON[@]}"
"$RINGCAST" pack "$LAB_DIR/small.img" -o "$LAB_DIR/unsigned.ring" --level 1 --unsigned 2>/dev/null
refused 5 sign "signed by nobody" --source "$LAB_DIR/unsigned.ring" --key "$LAB_DIR/small.pub" "${ON[@]}"
refused 5 key "no key named" --source "$LAB_DIR/small.ring" "${ON[@]}"

# flipped OFFSET: the image with the byte at OFFSET altered, as flipped.ring.
flipped()
{
    cp "$LAB_DIR/small.ring" "$LAB_DIR/flipped.ring"
    flip "$LAB_DIR/flipped.ring" "$1"
}

flipped 92
refused 5 sign "one byte of the signed head altered" --source "$LAB_DIR/flipped.ring" --key "$LAB_DIR/small.pub" "${ON[@]}"
flipped -1000
refused 1 . "one byte of the chunk list altered" --source "$LAB_DIR/flipped.ring" --key "$LAB_DIR/small.pub" "${ON[@]}"
expect 1 "$RINGCAST" verify "$LAB_DIR/flipped.ring"
head -c -4096 "$LAB_DIR/small.ring" >"$LAB_DIR/cut.ring"
refused 1 . "the image's end cut off" --source "$LAB_DIR/cut.ring" --key "$LAB_DIR/small.pub" "${ON[@]}"
expect 1 "$RINGCAST" verify "$LAB_DIR/cut.ring"

# A byte of the data is found when it is about to be written: then the target is left empty-looking, never half right.
flipped 20000000
expect 1 "$RINGCAST" verify "$LAB_DIR/flipped.ring"
cp "$TARGET" "$LAB_DIR/victim"
expect 1 "$RINGCAST" restore --source "$LAB_DIR/flipped.ring" --key "$LAB_DIR/small.pub" --target "$LAB_DIR/victim" --erase \
    --noprompt --json
expect_says FAIL
[ "$(head -c 1M "$LAB_DIR/victim" | tr -d '\0' | wc -c)" = 0 ] || fail "the first MiB is not empty"
sfdisk -J "$LAB_DIR/victim" >/dev/null 2>&1 && fail "the failed target has a partition table"
pass "one byte of the data altered: $(grep FAIL "$LAB_DIR/expect.err")"
rm "$LAB_DIR/victim"

# A mistyped disk is no file, a file is made only when asked for, and none is left behind by a declined question.
refused 4 'expected the name of a disk' "a mistyped disk" "${GOOD[@]}" --target /dev/ringcast-typo --erase --create
[ ! -e /dev/ringcast-typo ] || fail "a file below /dev was made"
refused 4 'or --create' "no such file" "${GOOD[@]}" --target "$LAB_DIR/victim" --erase
[ ! -e "$LAB_DIR/victim" ] || fail "a file was made without --create"
# answered TEXT OPTION...: restore on a terminal, which answers its question.
answered()
{
    python3 -c '
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
seen = b""
while b"Type yes" not in seen:
    seen += os.read(fd, 1000)
os.write(fd, sys.argv[1].encode() + b"\n")
try:
    while chunk := os.read(fd, 1000):
        seen += chunk
except OSError:
    pass
sys.stderr.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))' "$1" "$RINGCAST" restore "${@:2}"
}
expect 4 answered no "${GOOD[@]}" --target "$LAB_DIR/victim" --erase --create
expect_says 'not erased'
[ ! -e "$LAB_DIR/victim" ] || fail "a declined question left a file"
expect 0 answered yes "${GOOD[@]}" --target "$LAB_DIR/victim" --erase --create
same_disk "$LAB_DIR/small.img" "$LAB_DIR/victim"
expect 6 "$RINGCAST" restore "${GOOD[@]}" --target "$LAB_DIR/victim" --erase --noprompt --noverify --json
expect_says 'WRITTEN, not verified: small is on'
[ "$(json "$LAB_DIR/expect.out" 'o["result"]')" = written ] || fail "JSON: $(cat "$LAB_DIR/expect.out")"
rm "$LAB_DIR/victim"
pass "files: made when asked for, none left by a no, and what is not read back is not said to be verified"

# A disk's image onto a partition is said, and done.
truncate -s 8M "$LAB_DIR/tiny.img"
echo '2048,4096' | sfdisk -q "$LAB_DIR/tiny.img"
"$RINGCAST" pack "$LAB_DIR/tiny.img" -o "$LAB_DIR/tiny.ring" --level 1 --unsigned 2>/dev/null
truncate -s 40M "$LAB_DIR/victim"
echo '2048,65536' | sfdisk -q "$LAB_DIR/victim"
if [ "$(id -u)" = 0 ] && loop=$(losetup --show -f "$LAB_DIR/victim" 2>/dev/null) && partx -a "$loop" 2>/dev/null; then
    lab_on_exit 'partx -d "$loop" 2>/dev/null; losetup -d "$loop" 2>/dev/null || true'
    node=/sys/class/block/${loop##*/}p1/dev
    if until_true 5 test -e "$node" && mknod "$LAB_DIR/part" b "$(cut -d: -f1 "$node")" "$(cut -d: -f2 "$node")" &&
        dd if="$LAB_DIR/part" of=/dev/null count=1 status=none; then
        expect 0 "$RINGCAST" restore --source "$LAB_DIR/tiny.ring" --any-signer --target "$LAB_DIR/part" --erase --noprompt --json
        expect_says 'warning: .* is a partition'
        [ "$(json "$LAB_DIR/expect.out" 'o["onto_partition"]')" = true ] || fail "JSON: $(cat "$LAB_DIR/expect.out")"
        partx -d "$loop"
        expect 0 "$RINGCAST" restore --source "$LAB_DIR/tiny.ring" --any-signer --target "$loop" --erase --noprompt
        ! grep -q 'is a partition' "$LAB_DIR/expect.err" || fail "a warning about a whole disk"
        pass "a disk's image onto a partition is warned of"
    fi
    losetup -d "$loop"
fi
rm -f "$LAB_DIR/victim"

# small and read-only targets
truncate -s 100M "$TARGET"
if [ "$(id -u)" = 0 ] && loop=$(losetup --show -f "$TARGET" 2>/dev/null); then
    lab_on_exit 'losetup -d "$loop"'
    before=$(sha256sum <"$TARGET")
    refused 4 'small|bytes' "a target too small" "${GOOD[@]}" --target "$loop" --erase
    losetup -d "$loop"

    cp "$LAB_DIR/small.img" "$TARGET"
    before=$(sha256sum <"$TARGET")
    loop=$(losetup --show -r -f "$TARGET")
    refused 4 'read.only|write' "a read-only target" "${GOOD[@]}" --target "$loop" --erase
    losetup -d "$loop"

    loop=$(losetup --show -o 17M -f "$TARGET")
    mkdir "$LAB_DIR/mnt"
    mount -o ro "$loop" "$LAB_DIR/mnt"
    lab_on_exit 'umount "$LAB_DIR/mnt"'
    before=$(sha256sum <"$TARGET")
    refused 4 'mount|use' "a mounted file system" "${GOOD[@]}" --target "$loop" --erase
else
    say "no loop devices here: small, read-only and mounted disks were not tried"
fi
