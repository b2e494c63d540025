#!/bin/bash
# Real firmware finds its file: OVMF beside dnsmasq (an offer without an address, then port 4011; HTTP boot), OVMF before our menu (the prompt
# runs out, its first item is asked for on port 4011), iPXE in QEMU's ROM before the menu of our script. The files are nobody's
# programs: that they are loaded is what counts.
. "$(dirname "$0")/lib.sh"
ovmf=/usr/share/OVMF
requires "$RINGCAST" qemu-system-x86_64 $ovmf/OVMF_CODE_4M.fd dnsmasq /dev/net/tun
lab_up 1
small_ring
cd "$LAB_DIR"
mkdir payload data images trees trees/esxi trees/debian
page() { printf 'RINGCAST-BOX-IDENTITY-1'; head -c 1001 /dev/zero | tr '\0' '\n'; }
for file in ringcast-x86_64.efi initrd; do { head -c 30000 /dev/urandom; page; } >payload/$file; done
head -c 30000 /dev/urandom >payload/kernel
head -c 30000 /dev/urandom >payload/undionly.kpxe
echo loader >trees/esxi/bootx64.efi
mv small.ring images/
printf '#!ipxe\nchain ${box}/trees/debian/next\n' >trees/debian/go.ipxe

box() # MODE LINE
{
    printf '[box]\naddress = 10.78.0.1/24\n[dhcp]\nmode = %s\n[session]\nstart = now\n[boot]\n%s\n' "$1" "$2" >ringcast.conf
    printf '[entry ESXi && ${net0/mac} || reboot]\nkind = tree\nfolder = trees/esxi\nloader-uefi = bootx64.efi\n' >>ringcast.conf
    printf '[entry Debian]\nkind = tree\nfolder = trees/debian\nscript = go.ipxe\n' >>ringcast.conf
    lab_start box "$LAB_SERVER" "$RINGCAST" box --config ringcast.conf --data data --images images --payload payload
    until_true 20 grep -q 'is up on eth0 as 10.78.0.1' box.err || fail "the box does not start"
}

# firmware N [OPTION...]: a UEFI machine on the switch, with nothing but its network card.
firmware()
{
    local n=$1
    shift
    plug "$n"
    cp $ovmf/OVMF_VARS_4M.fd "vars$n"
    machine "$n" ,romfile= -M q35 -drive "if=pflash,format=raw,readonly=on,file=$ovmf/OVMF_CODE_4M.fd" \
        -drive "if=pflash,format=raw,file=vars$n" -fw_cfg name=opt/org.tianocore/IPv6PXESupport,string=n "$@"
}

# plug N: its port on the switch.
plug()
{
    ip -n "$LAB_SWITCH" tuntap add "m$1" mode tap || skip "no tap devices here"
    ip -n "$LAB_SWITCH" link set "m$1" master br0 up
}

machine() # N NIC-OPTIONS OPTION...
{
    local n=$1 nic=$2
    shift 2
    lab_start "firmware$n" "$LAB_SWITCH" qemu-system-x86_64 -accel tcg -m 256 -display none -serial "file:serial$n" -net none \
        -netdev "tap,id=n,ifname=m$n,script=no,downscript=no" -device "virtio-net-pci,netdev=n,mac=52:49:4e:47:01:0$n$nic" "$@"
}

loaded() # N WHAT PATTERN
{
    until_true 240 grep -Eq "$3" box.err || fail "$2: nothing loaded: $(tail -c 600 "serial$1")"
    lab_stop "firmware$1"
    pass "$2"
}
TFTP='tftp: .* has payload/ringcast-x86_64.efi'

lab_address "${LAB_RECEIVER[1]}" 10.78.0.3/24
lab_start dhcp "${LAB_RECEIVER[1]}" dnsmasq --no-daemon --conf-file=/dev/null --no-hosts --no-resolv --no-ping --port=0 --user=root \
    --dhcp-range=10.78.0.150,10.78.0.160 --dhcp-leasefile="$LAB_DIR/leases" --log-dhcp --pid-file="$LAB_DIR/dnsmasq.pid"
until_true 10 grep -q 'DHCP, IP range' dhcp.err || skip "dnsmasq does not start here"
box proxy ''
firmware 1
loaded 1 "OVMF beside dnsmasq: port 4011, then the file" "$TFTP"
grep -q '52:49:4e:47:01:01 (architecture 7) is sent to port 4011' box.err || fail "not by way of port 4011"
firmware 2 -fw_cfg name=opt/org.tianocore/IPv4PXESupport,string=n
loaded 2 "OVMF beside dnsmasq: HTTP boot" 'http: .* has payload/ringcast-x86_64.efi'
plug 3
machine 3 '' -M pc
loaded 3 "iPXE beside dnsmasq: the script, then the kernel" 'http: .* has payload/kernel'
lab_stop box

box proxy 'uefi-direct = yes'
firmware 4
loaded 4 "OVMF beside dnsmasq: the file in the offer" "$TFTP"
grep -q 'is sent to port 4011' box.err && fail "by way of port 4011"
lab_stop box
lab_stop dhcp

box server 'menu = 3'
until_true 20 grep -q 'addresses are handed out' box.err || fail "no addresses"
firmware 5
loaded 5 "OVMF before a menu: its first item by itself" "$TFTP"
grep -q '52:49:4e:47:01:05 (architecture 7) is sent to a menu' box.err || fail "no menu was offered"
lab_stop box

# Real iPXE for UEFI, of the payload when the box's image has been built: by the firmware's menu, and by HTTP boot, which has no menu of its own.
snponly=$LAB_ROOT/build/pc/payload/snponly.efi
[ ! -e "$LAB_ROOT/build/ringcast-pc-x86_64.img" ] || [ -e "$snponly" ] || fail "the image's payload has no snponly.efi"
[ ! -e "$snponly" ] || cp "$snponly" payload/
box server $'menu = 3\ndefault = Debian'
until_true 20 grep -q 'addresses are handed out' box.err || fail "no addresses"
chain() # N WHAT: machine N's iPXE takes the menu's default, whose script chains to a file that is not there.
{
    has() { address=$(sed -n "s/.*dhcp: 52:49:4e:47:01:0$1 has the address \([0-9.]*\).*/\1/p" box.err | tail -1); [ -n "$address" ] && grep -q "http: $address is refused trees/debian/next" box.err; }
    until_true 240 has "$1" || fail "$2: $(tail -c 600 "serial$1"; grep "52:49:4e:47:01:0$1" box.err | tail -5)"
    lab_stop "firmware$1"
    pass "$2"
}
if [ -e payload/snponly.efi ]; then
    firmware 7 -fw_cfg name=opt/org.tianocore/IPv4PXESupport,string=n
    firmware 8
fi
plug 6
machine 6 '' -M pc
chain 6 "iPXE before a menu with a hostile name: the default by itself"
[ -e payload/snponly.efi ] || { echo "(no snponly.efi: make image)"; exit; }
chain 8 "OVMF before a menu: its first item, a script, by iPXE for UEFI"
grep -q '52:49:4e:47:01:08 (architecture 7) chooses "Debian" in the firmware.s menu, and is sent to the file: payload/snponly.efi' box.err || fail "the choice is not in the log"
chain 7 "OVMF with HTTP boot: iPXE for UEFI shows it the menu"
grep -q '52:49:4e:47:01:07 (architecture 16) is sent to iPXE, for a menu: http' box.err || fail "no menu for HTTP boot"
