/* ringcast.conf of the box: what it means, and that every mistake is named with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "board/box/config/box_config.h"
#include "tests/unit/fault_files.h"

static struct box_config c;

static int parse(const char *text, struct err *err)
{
    memset(err, 0, sizeof *err);
    box_config_defaults(&c);
    return box_config_parse(&c, "f", text, strlen(text), err);
}

static void accepts(const char *text)
{
    struct err err;

    if (parse(text, &err))
        fail_msg("%s", err.text);
}

static void refuses(const char *text, const char *sentence)
{
    struct err err;

    if (parse(text, &err) >= 0)
        fail_msg("accepted: %s", text);
    if (!strstr(err.text, sentence))
        fail_msg("expected \"%s\", got \"%s\"", sentence, err.text);
}

static void the_defaults(void **state)
{
    (void)state;
    accepts("");
    assert_int_equal(c.address, 0x0a4d0001);
    assert_int_equal(c.prefix, 24);
    assert_int_equal(c.dhcp.mode, BOX_DHCP_SERVER);
    assert_int_equal(c.dhcp.first, 0x0a4d0032);
    assert_int_equal(c.dhcp.last, 0x0a4d00fa);
    assert_int_equal(c.dhcp.lease_s, 3600);
    assert_string_equal(c.after_pass, "reboot");
    assert_string_equal(c.boot.fallback, "ring");
    assert_true(c.ring.rate_auto);
    assert_string_equal(c.ring.interface, "");
}

/* Every remark of the file on the FAT partition is a line that works, and says what holds anyway.
 */
static void the_commented_file(void **state)
{
    static char text[CONFIG_FILE_MAX + 1], bare[CONFIG_FILE_MAX + 1];
    static struct box_config plain;
    struct err err = {0};
    size_t n, out = 0;

    (void)state;
    assert_int_equal(config_read_file(text, &n, "rootfs/ringcast.conf", &err), 0);
    accepts(text);
    plain = c;
    accepts("");
    assert_memory_equal(&plain, &c, sizeof c);
    for (size_t i = 0; i < n; i++) /* "#key = value" without its mark; "# words" stays */
        if (text[i] != '#' || (i && text[i - 1] != '\n') || text[i + 1] == ' ' ||
            text[i + 1] == '\n')
            bare[out++] = text[i];
    bare[out] = 0;
    refuses(bare, "image: expected an image's name"); /* the one value with no default to show */
    memcpy(strstr(bare, "\nimage ="), "\n;mage =", 8);
    refuses(bare, "loader-mac: expected a relative path");
    memcpy(strstr(bare, "\nloader-mac ="), "\n;", 2);
    accepts(bare);
    assert_int_equal(c.dhcp.n_reserve, 1);
    assert_string_equal(c.entry[0].name, "ESXi 8");
    assert_int_equal(c.dhcp.first, plain.dhcp.first);
    assert_int_equal(c.dhcp.last, plain.dhcp.last);
}

static void everything_said(void **state)
{
    (void)state;
    accepts("[box]\r\naddress = 192.168.5.2/25\r\ninterface = eth1\nname = Prep room 3\nafter-pass "
            "= wait\ndisk = size=512GB\n"
            "[dhcp]\nmode = proxy\npool = 192.168.5.10 - 192.168.5.20\nlease = 2d\nreserve = "
            "02-00-00-00-00-0A 192.168.5.30\n"
            "reserve = 02:00:00:00:00:0b 192.168.5.31\nrouter = 192.168.5.1\ndns = "
            "192.168.5.1\ndns = 9.9.9.9\n"
            "[boot]\ndefault = ESXi 8\nmachine = 02:00:00:00:00:0a ring\nmenu = 5\nrearm = "
            "yes\nimage = lab\n"
            "[ring]\nrate = 100Mbit\nttl = 1\n"
            "[entry ESXi 8]\nkind = tree\nfolder = trees/esxi\nloader-uefi = "
            "efi/boot/bootx64.efi\nid = 4097\n"
            "mac-kind = diagnostics\nmac-root = nfs:10.77.0.5:/vol:a.dmg\nany-mac = yes\n"
            "[entry Debian]\nfolder = /data/trees/deb\nscript = go.ipxe\nhidden = yes\n"
            "only = 02:00:00:00:00:0a\nonly = iMac14,3\nexcept = 02-00-00-00-00-0B\nexcept = "
            "Macmini7,1\n"
            "[boot]\nring-except = 02:00:00:00:00:0c\nring-only = iMac14,3\n");
    assert_int_equal(c.prefix, 25);
    assert_string_equal(c.ring.interface, "eth1");
    assert_int_equal(c.dhcp.lease_s, 172800);
    assert_int_equal(c.dhcp.n_reserve, 2);
    assert_int_equal(c.dhcp.reserve[0].mac[5], 0x0a);
    assert_int_equal(c.dhcp.n_dns, 2);
    assert_int_equal(c.boot.n_machine, 1);
    assert_string_equal(c.boot.image, "lab");
    assert_int_equal(c.n_entries, 2);
    assert_int_equal(c.entry[0].id, 4097);
    assert_string_equal(c.entry[1].script, "go.ipxe");
    assert_true(c.entry[1].hidden);
    assert_false(c.entry[0].on_data);
    assert_int_equal(c.entry[0].attributes, 0x0300);
    assert_string_equal(c.entry[0].root, "nfs:10.77.0.5:/vol:a.dmg");
    assert_true(c.entry[0].any_mac && !c.entry[1].any_mac);
    assert_string_equal(c.entry[1].folder, "data/trees/deb");
    assert_true(c.entry[1].on_data);
    assert_true(!c.entry[1].attributes && !c.entry[1].root[0]);
    assert_int_equal(c.entry[0].rules.n, 0);
    assert_int_equal(c.entry[1].rules.n, 4);
    assert_int_equal(c.entry[1].rules.rule[0].kind, BOOT_ONLY_MAC);
    assert_int_equal(c.entry[1].rules.rule[0].mac[5], 0x0a);
    assert_int_equal(c.entry[1].rules.rule[1].kind, BOOT_ONLY_MODEL);
    assert_string_equal(c.entry[1].rules.rule[1].model, "iMac14,3");
    assert_int_equal(c.entry[1].rules.rule[2].kind, BOOT_NOT_MAC);
    assert_int_equal(c.entry[1].rules.rule[3].kind, BOOT_NOT_MODEL);
    assert_int_equal(c.boot.ring.n, 2);
    assert_false(c.ring.rate_auto);
}

static void ways_out_and_trust(void **state)
{
    (void)state;
    accepts("[box]\nrouter =\ndns =\ntrust =\n");
    assert_true(!c.router && !c.n_dns && !c.trust[0]);
    accepts(
        "[box]\nrouter = 10.77.0.254\ndns = 9.9.9.9\ndns = 10.77.0.253\ntrust = trust/own.pem\n");
    assert_int_equal(c.router, 0x0a4d00fe);
    assert_int_equal(c.n_dns, 2);
    assert_int_equal(c.dns[0], 0x09090909);
    assert_string_equal(c.trust, "trust/own.pem");
    accepts("[box]\ndns = 10.77.0.9\n");
    refuses("[box]\ndns = 9.9.9.9\n",
            "f: dns: expected an address of the box's net, or router beside it");
    refuses("[box]\nrouter = 10.78.0.1\n", "f: router: expected an address of the box's net");
    refuses("[box]\nrouter = 10.77.0.1\n", "f: router: expected an address of the box's net");
    refuses("[box]\nrouter = somewhere\n", "f:2: router: expected an address, or nothing");
    refuses("[box]\ndns = 10.77.0.2\ndns = 10.77.0.3\ndns = 10.77.0.4\n",
            "f:4: dns: expected at most two name servers");
    refuses("[box]\ntrust = ../own.pem\n",
            "f:2: trust: expected a relative path such as authorities.pem");
    refuses("[box]\ntrust = /etc/own.pem\n", "f:2: trust: expected a relative path");
}

static void sessions(void **state)
{
    (void)state;
    accepts("");
    assert_false(c.session.planned);
    accepts("[session]\nstart = ready 10\ntargets = expected\narm = 12h\nwake = yes\n");
    assert_true(c.session.planned && c.session.wake);
    assert_int_equal(c.session.wish.start, PLAN_READY);
    assert_int_equal(c.session.wish.ready, 10);
    assert_int_equal(c.session.wish.targets, PLAN_EXPECTED);
    assert_int_equal(c.session.wish.arm_min, 720);
    accepts("[session]\nstart = at 22:05\n");
    assert_int_equal(c.session.wish.at_min, 22 * 60 + 5);
    assert_false(c.has_utc_offset);
    accepts("[box]\nutc-offset = +01:00\n");
    assert_true(c.has_utc_offset);
    assert_int_equal(c.utc_offset_s, 3600);
    accepts("[box]\nutc-offset = -09:30\n");
    assert_int_equal(c.utc_offset_s, -34200);
    accepts("[session]\nstart = quiet  5\n");
    assert_int_equal(c.session.wish.quiet_min, 5);
    accepts("[session]\nstart = now\n");
    refuses("[session]\nstart = ready\n", "f:2: start: expected ready and 1 to 4096 machines");
    refuses("[session]\nstart = ready 0\n", "f:2: start: expected ready and 1 to 4096 machines");
    refuses("[session]\nstart = at 24:00\n",
            "f:2: start: expected at and a time from 00:00 to 23:59");
    refuses("[session]\nstart = quiet 1441\n", "f:2: start: expected quiet and 1 to 1440 minutes");
    refuses("[session]\nstart = soon\n",
            "f:2: start: expected now, ready N, at HH:MM or quiet MINUTES, got \"soon\"");
    refuses("[session]\nstart = now 3\n", "f:2: start: expected now,");
    refuses("[session]\nstart =\n", "f:2: start: expected now,");
    refuses("[session]\nstart = now\narm = 31d\n", "f:3: arm: expected a time such as 30m");
    refuses("[session]\nstart = now\ntargets = some\n", "f:3: targets: expected all or expected");
    refuses("[session]\nwake = yes\n", "f: expected start in [session]");
}

static void what_is_done_with_sticks(void **state)
{
    (void)state;
    accepts("");
    assert_false(c.library.take_sticks);
    accepts("[library]\nsticks = take\n");
    assert_true(c.library.take_sticks);
    accepts("[library]\nsticks = ask\n");
    assert_false(c.library.take_sticks);
    refuses("[library]\nsticks = yes\n", "f:2: sticks: expected ask or take, got \"yes\"");
    refuses("[library]\nstick = ask\n", "f:2: expected a key that [library] knows");
}

static void who_is_told_of_attempts(void **state)
{
    (void)state;
    accepts("");
    assert_int_equal(c.report.syslog, 0);
    assert_string_equal(c.report.webhook, "");
    accepts("[report]\nsyslog = 10.77.0.5\nwebhook = http://10.77.0.5:8080/hook\nwebhook-secret = "
            "0123456789abcdef\n");
    assert_int_equal(c.report.syslog, 0x0A4D0005);
    assert_int_equal(c.report.syslog_port, 514);
    assert_string_equal(c.report.webhook, "http://10.77.0.5:8080/hook");
    assert_string_equal(c.report.secret, "0123456789abcdef");
    refuses(
        "[report]\nsyslog = logs\n",
        "f:2: syslog: expected a syslog server such as 10.77.0.5 or 10.77.0.5:514, got \"logs\"");
    refuses("[report]\nwebhook = https://10.77.0.5/\n",
            "f:2: webhook: expected a URL such as http://10.77.0.5:8080/hook");
    refuses("[report]\nwebhook = http://10.77.0.5/\n",
            "f: webhook: expected webhook-secret beside it");
    refuses("[report]\nwebhook-secret = short\n",
            "f:2: webhook-secret: expected a secret of 16 to 64 bytes");
}

static void mistakes_have_their_line(void **state)
{
    (void)state;
    refuses("[boot]\nring-only = i Mac\n",
            "f:2: ring-only: expected a MAC, or a Mac's model such as iMac14,3, got \"i Mac\"");
    refuses("[boot]\nring-only =\n",
            "f:2: ring-only: expected a MAC, or a Mac's model such as iMac14,3, got \"\"");
    refuses("[boot]\nring-except = 02:00:00:00:00:0x\n",
            "f:2: ring-except: expected a MAC, or a Mac's model such as iMac14,3, got "
            "\"02:00:00:00:00:0x\"");
    refuses("[box]\nadress = 10.0.0.1/24\n",
            "f:2: expected a key that [box] knows, got \"adress\"");
    refuses("address = 10.0.0.1/24\n", "f:1: expected [box], [dhcp], [boot], [session], [library], "
                                       "[ring], [report] or [entry NAME], got []");
    refuses("[serve]\nrate = auto\n", "f:2: expected [box]");
    refuses("[box]\naddress = 10.0.0.1/31\n",
            "f:2: address: expected an address with a prefix of 8 to 30");
    refuses("[box]\naddress = dhcp\n", "f:2: address: expected an address");
    refuses("[box]\naddress = 10.0.0.1\naddress = 10.0.0.2\n", "f:3: expected address once");
    refuses("[box]\nutc-offset = 1\n", "f:2: utc-offset: expected how far the clock on the wall is "
                                       "ahead of UTC, such as +01:00, got \"1\"");
    refuses("[box]\nutc-offset = +15:00\n", "f:2: utc-offset: expected how far");
    refuses("[box]\nafter-pass = sleep\n",
            "f:2: after-pass: expected reboot, poweroff or wait, got \"sleep\"");
    refuses("[box]\ndisk = colour=red\n", "f:2: disk: ");
    refuses("[ring]\ninterface = eth0\n", "f:2: expected interface in [box]");
    refuses("[ring]\nrate = fast\n", "f:2: rate: expected a rate");
    refuses("[ring]\nrate = auto\n\nrate = auto\n", "f:4: expected rate once");
    refuses("[dhcp]\nmode = maybe\n", "f:2: mode: expected server, proxy or off");
    refuses("[dhcp]\nlease = 10s\n", "f:2: lease: expected a time");
    refuses("[dhcp]\nlease = 99999999d\n", "f:2: lease: expected a time");
    refuses("[dhcp]\nlease = 1hh\n", "f:2: lease: expected a time");
    refuses("[dhcp]\npool = 10.77.0.50\n", "f:2: pool: expected two addresses");
    refuses("[dhcp]\npool = 10.77.0.60-10.77.0.50\n", "f:2: pool: expected two addresses in order");
    refuses("[dhcp]\npool = 10.78.0.50-10.78.0.60\n", "pool: expected addresses of the box's net");
    refuses("[dhcp]\npool = 10.77.0.1-10.77.0.60\n",
            "pool: expected addresses of the box's net without the box's own");
    refuses("[dhcp]\npool = 10.77.0.9-10.77.0.255\n", "pool: expected addresses of the box's net");
    refuses("[box]\naddress = 10.0.0.1/8\n[dhcp]\npool = 10.0.1.0-10.1.1.0\n",
            "pool: expected at most 4096 addresses");
    refuses("[dhcp]\nreserve = 03:00:00:00:00:01 10.77.0.9\n",
            "f:2: reserve: expected a MAC and an address");
    refuses("[dhcp]\nreserve = 02:00:00:00:00:01 10.77.0.1\n",
            "reserve: expected addresses of the box's net");
    refuses(
        "[dhcp]\nreserve = 02:00:00:00:00:01 10.77.0.9\nreserve = 02:00:00:00:00:02 10.77.0.9\n",
        "f:3: reserve: expected each");
    refuses("[boot]\ndefault = ESXi\n",
            "default: expected ring or the name of an [entry], got \"ESXi\"");
    refuses("[boot]\nmachine = 02:00:00:00:00:01 ESXi\n", "machine: expected ring or the name");
    refuses("[boot]\nmachine = 02:00:00:00:00:01\n", "f:2: machine: expected a MAC and an entry");
    refuses("[boot]\nmenu = 256\n", "f:2: menu: expected seconds");
    refuses("[entry ring]\nfolder = x\n",
            "f:2: expected a name of 1 to 63 bytes that is not \"ring\"");
    refuses("[entry a]\nfolder = ../x\n", "f:2: folder: expected a relative path");
    refuses("[entry a]\nfolder = /etc\n", "f:2: folder: expected a relative path");
    refuses("[entry a]\nfolder = /data\n",
            "f:2: folder: expected a relative path such as trees/esxi, or one below /data/trees/");
    refuses("[entry a]\nfolder = /data/trees/\n", "f:2: folder: expected a relative path");
    refuses("[entry a]\nfolder = /data/trees/../journal\n",
            "f:2: folder: expected a relative path");
    refuses("[entry a]\nfolder = /data/trees/.x\n",
            "f:2: folder: expected a tree's name behind /data/trees/");
    refuses("[entry a]\nfolder = /data/trees/~x/y\n",
            "f:2: folder: expected a tree's name behind /data/trees/");
    refuses("[entry a]\nfolder = data/trees/x\n",
            "f:2: folder: expected a path that begins with /data/trees/");
    refuses("[entry a]\nmac-kind = linux\n", "f:2: mac-kind: expected install, macos,");
    refuses("[entry a]\nmac-root = ftp://x\n", "f:2: mac-root: expected a root path such as");
    refuses("[entry a]\nany-mac = perhaps\n", "f:2: any-mac: expected yes or no");
    refuses("[entry a]\nfolder = x\n",
            "f:2: expected a folder and a loader or a script in [entry a]");
    refuses("[entry a]\nfolder = x\nscript = y\n[box]\nname = n\n[entry a]\nfolder = z\n",
            "expected folder once");
    refuses(
        "[entry a]\nfolder = x\nscript = y\n[entry b]\nfolder = x\nscript = y\n[entry a]\nid = 7\n",
        "f:8: expected [entry a] once");
    refuses("[entry a]\nid = 1\n", "f:2: id: expected a number of 2");
    refuses("[entry a]\nkind = disk\n", "f:2: kind: expected tree");
    refuses("[box\n", "f:1: expected KEY = VALUE");
}

static void every_pool_fits_its_net(void **state)
{
    char text[80];

    (void)state;
    for (unsigned prefix = 8; prefix <= 30; prefix++)
        for (unsigned host = 1; host < 300; host += prefix == 30 ? 1 : 7) {
            if (prefix > 23 && host >= (1u << (32 - prefix)) - 1)
                continue;
            snprintf(text, sizeof text, "[box]\naddress = 10.77.%u.%u/%u\n", host >> 8, host & 255,
                     prefix);
            accepts(text);
        }
}

static void every_beginning_of_a_file(void **state)
{
    static const char text[] =
        "[box]\nname = x\n[dhcp]\nlease = 90s\nreserve = 02:00:00:00:00:01 10.77.0.9\n[boot]\nmenu "
        "= 3\n"
        "[entry a]\nfolder = t\nloader-bios = b\nscript = s\n[ring]\nrate = 10Mbit\n";
    struct err err;

    (void)state;
    for (size_t n = 0; n <= sizeof text - 1; n++) {
        char *copy = malloc(n + 1);

        assert_non_null(copy);
        memcpy(copy, text, n);
        memset(&err, 0, sizeof err);
        box_config_defaults(&c);
        if (box_config_parse(&c, "f", copy, n, &err))
            assert_true(err.code < 0 && err.text[0]);
        free(copy);
    }
}

/* A file that is there and cannot be read is not the wish for the defaults. */
static void an_unreadable_file_is_not_the_defaults(void **state)
{
    static const struct {
        enum fault_call call;
        int error;
    } way[] = {{FAULT_OPEN, EIO}, {FAULT_OPEN, EMFILE}, {FAULT_OPEN, EACCES}, {FAULT_READ, EIO}};
    char path[] = "/tmp/box_config.XXXXXX";
    struct err err = {0};
    bool missing;
    int fd = mkstemp(path);

    (void)state;
    assert_int_equal(write(fd, "[box]\naddress = 10.9.0.1/24\n", 28), 28);
    close(fd);
    for (size_t i = 0; i < sizeof way / sizeof *way; i++) {
        memset(&err, 0, sizeof err);
        fault_set(way[i].call, path, way[i].error);
        assert_int_equal(box_config_open(&c, path, &missing, &err), CONFIG_EOPEN);
        assert_true(fault.hits && !missing);
        assert_non_null(strstr(err.text, strerror(way[i].error)));
    }
    fault_set(FAULT_NONE, "", 0);
    assert_int_equal(box_config_open(&c, path, &missing, &err), 0);
    assert_int_equal(c.address, 0x0a090001);
    unlink(path);
    assert_int_equal(box_config_open(&c, path, &missing, &err), 0);
    assert_true(missing);
    assert_int_equal(c.address, 0x0a4d0001);
    assert_int_equal(box_config_open(&c, "/tmp", &missing, &err), CONFIG_EOPEN);
    assert_false(missing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults),
        cmocka_unit_test(the_commented_file),
        cmocka_unit_test(everything_said),
        cmocka_unit_test(sessions),
        cmocka_unit_test(ways_out_and_trust),
        cmocka_unit_test(what_is_done_with_sticks),
        cmocka_unit_test(who_is_told_of_attempts),
        cmocka_unit_test(mistakes_have_their_line),
        cmocka_unit_test(an_unreadable_file_is_not_the_defaults),
        cmocka_unit_test(every_pool_fits_its_net),
        cmocka_unit_test(every_beginning_of_a_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
