/* The box's page: whatever is taken has legal values, and its rule means what it says. */
#include <string.h>

#include "board/core/target_page.h"
#include "net/wire/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct target_page p;
    struct err err = {0};
    struct disk_pick again;
    int rc = target_page_parse(&p, data, n, &err);

    if (rc) {
        MUST(rc == err.code && err.text[0]);
        return 0;
    }
    MUST(n <= TARGET_PAGE_BYTES && p.port && p.address && p.key[0] == 4);
    MUST(p.after >= TARGET_REBOOT && p.after <= TARGET_WAIT);
    MUST(memchr(p.rule, 0, sizeof p.rule) != NULL);
    MUST(disk_rule_parse(&again, p.rule, &err) == 0 && memcmp(&again, &p.pick, sizeof again) == 0);
    return 0;
}
