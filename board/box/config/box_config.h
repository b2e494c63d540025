/* What the box is told by ringcast.conf, as a person edits it on the FAT partition
 * (rootfs/ringcast.conf explains each key). Every section and key may be missing; what is not known
 * is refused with file, line, what was expected and what came. */
#ifndef BOARD_BOX_CONFIG_BOX_CONFIG_H
#define BOARD_BOX_CONFIG_BOX_CONFIG_H

#include "board/box/schedule/plan.h"
#include "board/box/store/identity.h"
#include "board/core/config.h"
#include "board/errors/box.h"
#include "net/ip/stack.h"
#include "net/pxe/entry.h"

#define BOX_NAME_MAX 32
#define BOX_URL_MAX 255
#define BOX_SECRET_MAX 64 /* of the webhook */
#define BOX_RESERVES_MAX 512
#define BOX_CHOICES_MAX 512
#define BOX_SERVERS_MAX 3
#define BOX_POOL_MAX 4096 /* addresses */
#define BOX_LEASE_MAX (30u * 24 * 3600)

enum box_dhcp_mode { BOX_DHCP_SERVER, BOX_DHCP_PROXY, BOX_DHCP_OFF };

/* For whom an entry is (net/pxe/entry.h): values of `only` and `except`, each a MAC or a Mac's
 * model. */
#define BOX_RULES_MAX 64
struct box_rules {
    struct boot_rule rule[BOX_RULES_MAX];
    unsigned n;
};

struct box_entry {
    char name[BOOT_NAME_MAX + 1];
    /* relative, below the configuration file's folder; on_data: "data/trees/NAME", on the data
     * partition */
    char folder[BOOT_PATH_MAX + 1];
    bool on_data;
    /* relative to it; "": none */
    char loader[BOOT_PLATFORMS][BOOT_PATH_MAX + 1], script[BOOT_PATH_MAX + 1];
    uint16_t id; /* 0: given in order */
    /* for Macs, as in struct boot_entry */
    uint16_t attributes;
    char root[BOOT_PATH_MAX + 1];
    bool hidden, any_mac;
    struct box_rules rules;
    unsigned line; /* of its section's first key, for messages */
};

struct box_mac_address {
    uint8_t mac[6];
    uint32_t address;
};

struct box_mac_entry {
    uint8_t mac[6];
    char entry[BOOT_NAME_MAX + 1];
};

struct box_config {
    struct config ring; /* [ring]; its interface ("": auto) and address come from [box] */
    char name[BOX_NAME_MAX + 1];
    char after_pass[9]; /* "reboot", "poweroff" or "wait" */
    bool has_utc_offset;
    int32_t utc_offset_s; /* what the clock on the wall is ahead of UTC */
    char disk[IDENTITY_DISK_MAX + 1];
    uint32_t address;
    uint8_t prefix;
    uint32_t router, dns[IP_DNS_MAX]; /* the box's own ways out; 0: none */
    unsigned n_dns;
    /* authorities of the owner (PEM), relative to the configuration file's folder; "": none */
    char trust[BOOT_PATH_MAX + 1];
    struct {
        enum box_dhcp_mode mode;
        uint32_t first, last; /* of the pool; 0: from the address (box_config_check) */
        uint32_t lease_s;
        uint32_t router, dns[BOX_SERVERS_MAX];
        unsigned n_dns;
        struct box_mac_address reserve[BOX_RESERVES_MAX];
        unsigned n_reserve;
    } dhcp;
    struct {
        char fallback[BOOT_NAME_MAX + 1]; /* "ring" or an entry's name */
        char image[65];                   /* served to whoever names none; "": the first by name */
        uint8_t menu_seconds;             /* 0: no menu */
        bool rearm, uefi_direct;
        struct box_mac_entry machine[BOX_CHOICES_MAX];
        unsigned n_machine;
        struct box_rules ring; /* for whom the ring is */
    } boot;
    struct {
        /* `start` has been said: else every image is served at once, to whoever boots */
        bool planned;
        bool wake;             /* machines of the list are woken */
        struct plan_wish wish; /* its image is found out by the room */
    } session;
    struct {
        bool take_sticks; /* what is on a stick is copied without being asked for */
    } library;
    struct {
        uint32_t syslog; /* address of the server; 0: none */
        uint16_t syslog_port;
        char webhook[BOX_URL_MAX + 1]; /* "": none; then it has a secret */
        char secret[BOX_SECRET_MAX + 1];
    } report;
    struct box_entry entry[BOOT_ENTRIES_MAX - 1]; /* trees; the ring is always there */
    unsigned n_entries;
};

void box_config_defaults(struct box_config *);
/* Text of n bytes; fuzzed. Fits together when it returns 0. */
int box_config_parse(struct box_config *, const char *file, const char *text, size_t n,
                     struct err *);
int box_config_load(struct box_config *, const char *path, struct err *);
/* The defaults, and over them the file. A file that is not there (ENOENT; path NULL) is somebody's
 * wish to have the defaults: *missing. One that cannot be looked up or read is an error: half a
 * configuration might answer DHCP where it must not. */
int box_config_open(struct box_config *, const char *path, bool *missing, struct err *);

/* "52:49:4e:47:00:01" (or with '-'), any letter case. */
bool box_mac_parse(const char *text, uint8_t mac[6]);

#endif
