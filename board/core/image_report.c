#include "board/core/image_report.h"

#include <stdio.h>
#include <time.h>

#include "board/core/exit.h"

static int exit_for(int code)
{
    return code == IMG_EUNTRUSTED ? EXIT_UNTRUSTED
           : code == IMG_EEXISTS  ? EXIT_REFUSED
                                  : EXIT_FAILED;
}

int report_failure(const char *command, const struct err *e, bool json)
{
    static char buf[2048];
    struct json j = json_on(buf, sizeof buf);

    fprintf(stderr, "ringcast %s: %s\n", command, e->text);
    if (json) {
        json_open(&j, NULL, '{');
        json_bool(&j, "ok", false);
        json_i64(&j, "error", e->code);
        json_str(&j, "cause", e->text);
        json_close(&j);
        report_json(&j);
    }
    return exit_for(e->code);
}

void report_json(struct json *j)
{
    const char *text = json_text(j);

    if (text)
        puts(text);
    fflush(stdout);
}

void report_head_json(struct json *j, const struct img_head *h)
{
    static const char *const tables[] = {"none", "mbr", "gpt"};
    uint8_t id[IMG_HASH_BYTES];

    img_head_id(h, id);
    json_hex(j, "id", id, sizeof id);
    json_str(j, "name", h->name);
    json_str(j, "label", h->label);
    json_u64(j, "created", h->created);
    json_u64(j, "sector_bytes", UINT64_C(1) << h->sector_log2);
    json_bool(j, "sector_known", img_head_sector(h) != 0);
    json_str(j, "table", tables[h->table]);
    json_u64(j, "raw_bytes", h->raw_bytes);
    json_u64(j, "min_target_bytes", h->min_target_bytes);
    json_u64(j, "data_bytes", h->data_bytes);
    json_u64(j, "stream_bytes", h->stream_bytes);
    json_u64(j, "body_bytes", h->body_bytes);
    json_u64(j, "chunks", h->chunks);
    json_u64(j, "data_chunks", h->data_chunks);
    json_u64(j, "blocks", h->blocks);
    json_hex(j, "root", h->root, sizeof h->root);
    json_hex(j, "body_hash", h->body_hash, sizeof h->body_hash);
    json_bool(j, "signed", img_head_signed(h));
    if (img_head_signed(h))
        json_hex(j, "signer", h->signer, sizeof h->signer);
    else
        json_null(j, "signer");
}

void report_time(char buf[32], uint64_t seconds)
{
    time_t t = (time_t)seconds;
    struct tm tm;

    if (seconds > (uint64_t)253402300799 || !gmtime_r(&t, &tm)) /* after the year 9999 */
        snprintf(buf, 32, "%llu s after 1970", (unsigned long long)seconds);
    else
        strftime(buf, 32, "%Y-%m-%d %H:%M:%S UTC", &tm);
}

void report_hash(char buf[65], const uint8_t hash[IMG_HASH_BYTES])
{
    for (int i = 0; i < IMG_HASH_BYTES; i++)
        snprintf(buf + 2 * i, 3, "%02x", hash[i]);
}
