/* What the kernel says of disks: the first byte chooses the decoder, the rest is the value; names
 * and rules decide afterwards. */
#include <stdlib.h>
#include <string.h>

#include "imaging/disk/choose.h"
#include "net/wire/must.h"

static void plain(const char *text, size_t room)
{
    size_t n = strnlen(text, room);

    MUST(n < room);
    for (size_t i = 0; i < n; i++)
        MUST((uint8_t)text[i] >= 0x20 && (uint8_t)text[i] < 0x7F);
    MUST(n == 0 || (text[0] != ' ' && text[n - 1] != ' '));
}

static void decide(const char *text)
{
    static struct inventory v;
    struct disk_need need = {.min_bytes = 1};
    struct disk_facts *f = &v.disk[0];
    struct err err = {0};
    char line[DISK_LINE_MAX];

    memset(&v, 0, sizeof v);
    v.n = 2;
    f->bytes = 1000;
    facts_text(f->name, sizeof f->name, (const uint8_t *)text, strlen(text));
    facts_name(f);
    facts_place(f, text);
    facts_text(f->model, sizeof f->model, (const uint8_t *)text, strlen(text));
    v.disk[1] = *f;
    if (disk_rule_parse(&need.pick, text, &err))
        MUST(err.text[0]);
    memset(&err, 0, sizeof err);
    MUST(disk_choose(&v, &need, &err) < 2);
    disk_line(line, sizeof line, &v, 0, &need);
    MUST(strlen(line) < sizeof line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char text[DISK_TEXT_MAX], where[20];
    unsigned major, minor;
    uint64_t number;
    char *copy;

    if (n == 0)
        return 0;
    copy = malloc(n);
    memcpy(copy, data + 1, n - 1);
    copy[n - 1] = 0;
    switch (data[0] % 6) {
    case 0:
        facts_text(text, sizeof text, data + 1, n - 1);
        plain(text, sizeof text);
        break;
    case 1:
        facts_page80(text, sizeof text, data + 1, n - 1);
        plain(text, sizeof text);
        break;
    case 2:
        facts_number(&number, data + 1, n - 1);
        break;
    case 3:
        facts_device(&major, &minor, data + 1, n - 1);
        break;
    case 4:
        if (facts_mount(copy, 8, 1, where, sizeof where))
            plain(where, sizeof where);
        break;
    default:
        decide(copy);
        break;
    }
    free(copy);
    return 0;
}
