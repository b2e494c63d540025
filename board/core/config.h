/* What `serve` is told: by `ringcast.conf` (INI), by the property list of Apple's asr, by the
 * command line. Later sources win over earlier ones, key by key. */
#ifndef BOARD_CORE_CONFIG_H
#define BOARD_CORE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/core/ini_text.h"
#include "net/wire/err.h"

#define CONFIG_ERRORS(X)                                                                           \
    X(CONFIG_EOPEN, -1520, "the configuration file cannot be read")                                \
    X(CONFIG_ESYNTAX, -1521, "a line of the configuration file cannot be understood")              \
    X(CONFIG_EKEY, -1522, "a key that this program does not know")                                 \
    X(CONFIG_EVALUE, -1523, "a value out of its range or of the wrong kind")                       \
    X(CONFIG_EBINARY, -1524, "a binary property list")                                             \
    X(CONFIG_EMISSING, -1525, "a required key is missing")

#define X(name, code, sentence) name = code,
enum config_error { CONFIG_ERRORS(X) };
#undef X

#define CONFIG_FILE_MAX 65536
#define CONFIG_TEXT_MAX 255
#define CONFIG_IMAGES_MAX 16
#define CONFIG_SUSPEND_AUTO UINT32_MAX
#define CONFIG_REPAIR_AUTO UINT32_MAX
#define CONFIG_REPAIR_FIXED (UINT32_MAX - 1)
#define CONFIG_RATE_MIN 16000 /* bytes/s: ten packets a second, which is what the pacer can do */

enum config_choice { CONFIG_AUTO, CONFIG_ON, CONFIG_OFF };

struct config {
    char interface[16];
    char address[CONFIG_TEXT_MAX + 1]; /* CIDR or "dhcp"; "": dhcp */
    bool rate_auto;
    uint64_t rate;    /* bytes/s on the wire, unless rate_auto */
    uint64_t floor;   /* 0: a twentieth of the ceiling */
    uint64_t ceiling; /* 0: what the link carries */
    /* bytes/s the slowest client writes (asr's Client Data Rate); 0: not given */
    uint64_t client_rate;
    uint32_t group; /* of the first image, the others follow; host order */
    uint16_t port;
    uint8_t ttl;
    uint32_t loop_suspend; /* loops; 0: never; CONFIG_SUSPEND_AUTO */
    enum config_choice offload;
    /* repair symbols per source symbol; AUTO: as reports advise; FIXED: the carousel's default */
    uint32_t repair_ppm;
    bool mdns;
    unsigned n_images;
    char image[CONFIG_IMAGES_MAX][CONFIG_TEXT_MAX + 1];
};

/* The defaults of ringcast.conf. */
void config_defaults(struct config *);

/* Sets one key as `ringcast.conf` and the command line spell it ("loop-suspend", "auto"). 0, or a
 * negative code and "expected ..., got ...". */
int config_set(struct config *, const char *key, const char *value, struct err *);

/* Text of either form, told apart by its first bytes; `file` names it in messages ("file:line:
 * expected ..."). Not a pure decoder, but one that reads nothing but its arguments: fuzzed. */
int config_parse(struct config *, const char *file, const char *text, size_t n, struct err *);
int config_load(struct config *, const char *path, struct err *);
/* The two halves of that, for a larger file that has these keys in one of its sections: the text of
 * a file, and one entry; *seen, 0 at first, tells what has been set. */
int config_read_file(char text[CONFIG_FILE_MAX + 1], size_t *n, const char *path, struct err *);
int config_entry(struct config *, uint32_t *seen, const struct ini_place *, const char *key,
                 const char *value, struct err *);

/* What must be there to serve, and what fits together (floor <= ceiling, a multicast group). */
int config_check(const struct config *, struct err *);
/* The second half alone. */
int config_check_ring(const struct config *, struct err *);

#endif
