#!/bin/bash
# A real disk, packed, sent round, and restored in four places at once.
#
# A Debian disk is made and packed; one network namespace serves it; four others, behind a bridge, restore it:
#   early  is there from the start           lossy  loses 2 % of all frames
#   late   joins when the ring is half way   slow   has a disk that writes half as fast as the stream brings data
# Then the proof: every partition of every restored disk hashes like the source, and the file systems check clean.
#
# DEMO_RATE (200Mbit) and DEMO_DISK (a disk image of your own, nothing but Linux in it) change it; DEMO_KEEP=FOLDER keeps the
# restored disks there. They are in RAM meanwhile, if there is enough of it: four writers on one disk would be a test of
# that disk.
set -eu -o pipefail
cd "$(dirname "$0")/../.."
export FOUR_DISKS=${FOUR_DISKS:-${TMPDIR:-$PWD/build}}    # this script may be run twice: see lab_become_root
TMPDIR=/dev/shm
[ "$(df --output=avail -B1M /dev/shm | tail -1)" -gt 6000 ] && [ "$(awk '/^MemAvailable/ { print $2 }' /proc/meminfo)" -gt 8000000 ] ||
    TMPDIR=$FOUR_DISKS
export TMPDIR
RATE=${DEMO_RATE:-200Mbit}
DISK=$(realpath -m --relative-to=. "${DEMO_DISK:-$FOUR_DISKS/four_disks.img}")
NAMES=(- early late lossy slow)
SHOWN=()

step()
{
    printf '\n\033[1m== %s\033[0m\n' "$*"
}

# The disk first: the lab below may run as another user, who is root only in his own namespace.
if [ -z "${DEMO_MADE:-}" ]; then
    [ -t 1 ] || step() { printf '\n== %s\n' "$*"; }
    step "A Debian disk: GPT, EFI system partition, ext4"
    command -v mmdebstrap >/dev/null || { echo "mmdebstrap is not installed"; exit 77; }
    [ -e "$DISK" ] || tools/mkdisk "$DISK"
    ls -lhs "$DISK"
    export DEMO_MADE=1
fi
. tests/e2e/lib.sh
lab_on_exit 'rm -f "$FOUR_DISKS/four_disks.img"'
requires "$RINGCAST" "$DISK" sfdisk e2fsck fsck.vfat python3
[ -t 1 ] || step() { printf '\n== %s\n' "$*"; }

# run CMD...: shows it, as one would type it, and does it.
run()
{
    local shown=("${1##*/}" "${@:2}")
    printf '$ %s\n' "${shown[*]//$LAB_ROOT\//}"
    "$@"
}

# one_line I: receiver I now, from the last line it said.
one_line()
{
    local name=${NAMES[$1]} said=
    if [ -z "${LAB_PID[$name]:-}" ]; then
        printf '  %-6s %s\n' "$name" "not there yet"
        return
    fi
    said=$(tr '\r' '\n' <"$LAB_DIR/$name.err" | awk 'NF { last = $0 } END { print last }')
    awk -v name="$name" -v said="$said" 'BEGIN {
        if (match(said, /[0-9]+ %, /)) {
            done = substr(said, RSTART) + 0
            rest = substr(said, RSTART + RLENGTH)
        } else if (said ~ /^PASS/) {
            done = 100
            rest = "PASS" substr(said, match(said, /, read back/))
        } else {
            done = 0
            rest = said == "" ? "connecting" : said
        }
        bar = sprintf("%*s", int(done / 4), "")
        gsub(/ /, "#", bar)
        printf "  %-6s [%-25s] %3d %%  %s\n", name, bar, done, substr(rest, 1, 70)
    }'
}

running()
{
    local name
    for name in "${NAMES[@]:1}"; do
        [ -z "${LAB_PID[$name]:-}" ] || ! grep -qs '^State:.[^Z]' "/proc/${LAB_PID[$name]}/status" || return 0
    done
    return 1
}

# show: all four, redrawn in place on a terminal; else, now and then, what is new.
show()
{
    local i line
    [ ! -t 1 ] || [ ${#SHOWN[@]} = 0 ] || printf '\033[4A'
    for i in 1 2 3 4; do
        line=$(one_line "$i")
        if [ -t 1 ]; then
            printf '%s\033[K\n' "$line"
        elif [ "$line" != "${SHOWN[i]:-}" ]; then
            echo "$line"
        fi
        SHOWN[i]=$line
    done
}

# receiver I [OPTION...]: one machine is switched on.
receiver()
{
    local i=$1
    shift
    truncate -s "$(stat -c %s "$DISK")" "$LAB_DIR/${NAMES[i]}.img"
    lab_start "${NAMES[i]}" "${LAB_RECEIVER[i]}" "$RINGCAST" restore --source ringcast://10.78.0.1/debian \
        --target "$LAB_DIR/${NAMES[i]}.img" --create --erase --noprompt --json --key "$LAB_DIR/demo.pub" \
        --interface eth0 --address "10.78.0.$((10 + i))/24" "$@"
}

# field NAME EXPR: of a receiver's result; "?" if it gave none.
field()
{
    json "$LAB_DIR/$1.out" "$2" 2>/dev/null || echo '?'
}

# ratio NAME: its time against the best there could be: its share of the packets, or for the slow one what its disk takes.
ratio()
{
    if [ "$1" = slow ]; then
        field "$1" "round(o['seconds'] / (o['bytes_written'] / ($WRITES / 2)), 3)"
    else
        field "$1" 'round(o["ratio_to_bound"], 3)'
    fi
}

# partitions IMG: "name start size" in bytes, as the disk's own partition table says.
partitions()
{
    sfdisk -J "$1" | python3 -c '
import json, sys
table = json.load(sys.stdin)["partitiontable"]
for p in table["partitions"]:
    print(p.get("name", "partition"), p["start"] * table["sectorsize"], p["size"] * table["sectorsize"])'
}

# digest IMG START SIZE
digest()
{
    dd if="$1" bs=1M iflag=skip_bytes,count_bytes skip="$2" count="$3" status=none | sha256sum | cut -c1-64
}

# digests IMG: one line a partition.
digests()
{
    local name start size
    partitions "$1" | while read -r name start size; do
        echo "$name $(digest "$1" "$start" "$size")"
    done
}

# clean IMG: do the file systems check clean, read-only?
clean()
{
    local name start size type
    partitions "$1" | while read -r name start size; do
        dd if="$1" bs=1M iflag=skip_bytes,count_bytes skip="$start" count="$size" of="$LAB_DIR/part" conv=sparse status=none
        type=$(blkid -p -o value -s TYPE "$LAB_DIR/part")
        case $type in
        ext*) e2fsck -fn "$LAB_DIR/part" >"$LAB_DIR/fsck.err" 2>&1 || fail "$name of $1 does not check clean" ;;
        vfat) fsck.vfat -n "$LAB_DIR/part" >"$LAB_DIR/fsck.err" 2>&1 || fail "$name of $1 does not check clean" ;;
        *) continue ;;
        esac
        echo "$name ($type)"
        rm "$LAB_DIR/part"
    done | paste -sd, | sed 's/,/, /g'
}

step "A key of our own, and the disk packed and signed with it"
cd "$LAB_DIR"   # short names in what the commands say
run "$RINGCAST" key -o demo
run "$RINGCAST" pack "$LAB_ROOT/$DISK" -o debian.ring --key demo.key --name debian
run "$RINGCAST" info debian.ring
cd "$LAB_ROOT"

step "One namespace serves it at $RATE; four behind a bridge restore it"
lab_up 4
lab_loss 3 2
lab_start serve "$LAB_SERVER" "$RINGCAST" serve --interface eth0 --address 10.78.0.1/24 --rate "$RATE" "$LAB_DIR/debian.ring"
until_true 20 test -s "$LAB_DIR/serve.err" || fail "the server does not start"

# A pass takes this many seconds, and brings this many bytes of data to write in a second.
read -r PASS WRITES < <("$RINGCAST" info --json "$LAB_DIR/debian.ring" >"$LAB_DIR/info.out" &&
    python3 - "$LAB_DIR/info.out" "$RATE" <<'PYTHON'
import json, re, sys
info, rate = json.load(open(sys.argv[1])), sys.argv[2]
number, unit = re.match(r"([\d.]+)(\w+)", rate).groups()
bits = float(number) * {"Mbit": 1e6, "Gbit": 1e9, "MB": 8e6}[unit]
seconds = info["stream_bytes"] / 1440 * 1538 * 8 / bits
print(int(seconds), int(info["data_bytes"] / seconds))
PYTHON
)
receiver 1
receiver 3
receiver 4 --write-limit "$((WRITES / 2))B"
began=$SECONDS
while [ $((SECONDS - began)) -lt $((PASS / 2)) ] || [ -z "${LAB_PID[late]:-}" ] || running; do
    if [ -z "${LAB_PID[late]:-}" ] && [ $((SECONDS - began)) -ge $((PASS / 2)) ]; then
        receiver 2
    fi
    show
    [ -t 1 ] && sleep 0.5 || sleep 5
done
show

step "Each receiver, against the best its line and disk could do"
bad=0
printf '  %-6s %9s %12s %9s  %s\n' receiver time 'x its bound' loss 'hash of what is on the disk'
for name in "${NAMES[@]:1}"; do
    lab_wait "$name" 1 || bad=1
    printf '  %-6s %7s s %12s %7s %%  %s\n' "$name" "$(field "$name" 'round(o["seconds"], 1)')" \
        "$(ratio "$name")" "$(field "$name" 'round(o["loss"] * 100, 2)')" \
        "$(field "$name" '"verified" if o["hash_verified"] else "NOT verified"')"
done
[ $bad = 0 ] || fail "a receiver failed"

step "The proof"
digests "$DISK" | tee "$LAB_DIR/source.sums" | sed 's/^/  source  /'
for name in "${NAMES[@]:1}"; do
    digests "$LAB_DIR/$name.img" >"$LAB_DIR/$name.sums"
    cmp -s "$LAB_DIR/source.sums" "$LAB_DIR/$name.sums" || fail "$name: the partitions are not the source's"
    printf '  %-6s  partitions hash like the source; clean: %s\n' "$name" "$(clean "$LAB_DIR/$name.img")"
done
[ -z "${DEMO_KEEP:-}" ] || mv "$LAB_DIR"/{early,late,lossy,slow}.img "$DEMO_KEEP"
echo
echo "Four disks out of one ring."
