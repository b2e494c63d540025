#!/bin/bash
# The whole way of a machine: it asks the box for an address and is told to boot the receiver, loads the payload with the box's page in
# it, images itself by that page, says PASS; from then on the box has nothing for it to boot, until it is armed again.
. "$(dirname "$0")/lib.sh"
requires "$RINGCAST" udhcpc tftp python3
lab_up 1
made_box 'after-pass = wait\n[session]\nstart = now\n[ring]\nrate = 100Mbit\n'
mkdir root
printf '#!/bin/sh\n[ "$1" = bound ] && echo "${boot_file:-none}" >"$ANSWER" || true\n' >answer.sh
chmod +x answer.sh

made_machine $((200 << 20))

box() { box_up --config "${1:-ringcast.conf}" --data "${2:-data}"; }

# boots: what a UEFI machine is told to load.
boots()
{
    rm -f answer
    ANSWER=$LAB_DIR/answer LAB_TIMEOUT=40 lab_exec "${LAB_RECEIVER[1]}" udhcpc -i eth0 -f -q -n -t 12 -T 1 -s "$LAB_DIR/answer.sh" \
        -V PXEClient:Arch:00007:UNDI:003016 -x 0x5d:0007 -O bootfile >ask.log 2>&1 || fail "no lease: $(cat ask.log)"
    cat answer
}

sed 's/^start = now$/#/' ringcast.conf >unarmed.conf
box unarmed.conf elsewhere
until_true 20 grep -q 'small: serving' box.err || fail "the image is not there: $(cat box.err)"
[ "$(boots)" = none ] || fail "without a session a machine boots $(cat answer)"
lab_stop box
box
until_true 20 grep -q 'session 1 is running' box.err || fail "no session: $(cat box.err)"
[ "$(boots)" = payload/ringcast-x86_64.efi ] || fail "a new machine boots $(cat answer)"
lab_address "${LAB_RECEIVER[1]}" 10.78.0.99/24
lab_exec "${LAB_RECEIVER[1]}" tftp -m binary 10.78.0.1 -c get payload/initrd initrd || fail "the payload does not load"
ip -n "${LAB_RECEIVER[1]}" address flush dev eth0
tail -c 1024 initrd >page
lab_start target "${LAB_RECEIVER[1]}" "$RINGCAST" target --identity page --disk-root root --framebuffer none
until_true 90 grep -q 'a machine is done' box.err || fail "no PASS: $(tail -n 5 target.out target.err)"
until_true 30 grep -qh 'read back and verified' target.out target.err || fail "the box does not confirm the PASS: $(tail -n 5 target.err)"
grep -qh 'has not confirmed' target.out target.err && fail "the box has not confirmed the PASS"
lab_stop target
grep -q 'dhcp: 52:49:4e:47:00:01 has the address 10.78.0' box.err || fail "no lease for the receiver"
pass "asked, loaded, imaged by the page, passed"

[ "$(boots)" = none ] || fail "a machine that has passed boots $(cat answer)"
# Whatever made it start the receiver again: its disk stays as it is.
printf 'worked here since' | dd of=root/dev/vda bs=1M seek=3 conv=notrunc status=none
before=$(sha256sum <root/dev/vda)
expect 1 lab_exec "${LAB_RECEIVER[1]}" "$RINGCAST" target --identity page --disk-root root --framebuffer none --once
expect_says 'this machine has been imaged in this session, and nobody has armed it again at the box'
[ "$(sha256sum <root/dev/vda)" = "$before" ] || fail "a machine that has passed was written again"
pass "a machine that has passed is not let in"
kill -KILL "${LAB_PID[box]}"
lab_stop box KILL
box
[ "$(boots)" = none ] || fail "after a restart a machine that has passed boots $(cat answer)"
expect 1 "$RINGCAST" box --arm 52:49:4e:47:00:01 --data data
expect_says 'belongs to a box that is running'
lab_stop box
expect 0 "$RINGCAST" box --arm 52:49:4e:47:00:01 --data data
box
[ "$(boots)" = payload/ringcast-x86_64.efi ] || fail "a machine that is armed again boots $(cat answer)"
pass "nothing to boot after PASS, the receiver again when armed"
