/* GET /api/v1/report.csv, .json and .html: the report, made while it is sent; report.pub: the key
 * that verifies it. */
#include <stdio.h>
#include <string.h>

#include <mbedtls/base64.h>

#include "board/box/report/diary.h"
#include "imaging/hash/sha256.h"
#include "net/wire/must.h"

#define READERS_MAX 4 /* at the same time; one that dawdles is cut off by the server */

static struct reader {
    bool used;
    struct report report;
} readers[READERS_MAX];

static int pull(void *ctx, struct web_call *c, uint8_t *to, size_t n)
{
    struct reader *r = c->state;
    size_t got = report_read(&r->report, to, n);

    (void)ctx;
    return got ? (int)got : WEB_PULL_END;
}

static void gone(void *ctx, struct web_call *c)
{
    struct reader *r = c->state;

    (void)ctx;
    r->used = false;
}

/* The page has its style inside, so that it can be kept and printed; nothing else may run or load
 * in it. */
static void send_policy(struct web_call *c)
{
    const char *style = report_style();
    uint8_t hash[SHA256_BYTES];
    char policy[256];
    uint8_t base64[64];
    size_t n;

    sha256(hash, style, strlen(style));
    MUST(mbedtls_base64_encode(base64, sizeof base64, &n, hash, sizeof hash) == 0);
    snprintf(policy, sizeof policy,
             "default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'; "
             "frame-ancestors 'none'",
             (char *)base64);
    web_header(c, "Content-Security-Policy", policy);
}

static void answer_with(struct diary *diary, struct web_call *c, enum report_format format)
{
    static const char *const disposition[REPORT_FORMATS] = {"attachment; filename=\"report.csv\"",
                                                            "inline; filename=\"report.json\"",
                                                            "inline; filename=\"report.html\""};
    const struct report_about about = diary_about(diary);
    struct reader *r = readers;

    while (r < readers + READERS_MAX && r->used)
        r++;
    if (r == readers + READERS_MAX) {
        web_header(c, "Retry-After", "5");
        web_problem(c, 503, REPORT_EBUSY,
                    "too many reports are being read at this moment; try again");
        return;
    }
    r->used = true;
    report_begin(&r->report, format, &about);
    c->state = r;
    c->gone = gone;
    if (format == REPORT_HTML)
        send_policy(c);
    web_header(c, "Content-Disposition", disposition[format]);
    web_stream(c, 200, report_media_type(format), WEB_UNKNOWN, pull);
}

static void get_csv(void *ctx, struct web_call *c)
{
    answer_with(ctx, c, REPORT_CSV);
}

static void get_json(void *ctx, struct web_call *c)
{
    answer_with(ctx, c, REPORT_JSON);
}

static void get_html(void *ctx, struct web_call *c)
{
    answer_with(ctx, c, REPORT_HTML);
}

static void get_key(void *ctx, struct web_call *c)
{
    const struct report_about about = diary_about(ctx);
    char text[SIGN_PUB_TEXT];

    if (sign_pub_text(about.key, text)) {
        web_problem(c, 500, REPORT_EKEY, "the box's public key cannot be put into PEM form");
        return;
    }
    web_header(c, "Content-Disposition", "attachment; filename=\"report.pub\"");
    web_text(c, 200, "application/x-pem-file", text, strlen(text));
}

void api_report_routes(struct diary *diary, struct web_routes *routes)
{
    static const struct web_route table[] = {
        {WEB_GET, "/api/v1/report.csv", WEB_USER, get_csv, NULL},
        {WEB_GET, "/api/v1/report.json", WEB_USER, get_json, NULL},
        {WEB_GET, "/api/v1/report.html", WEB_USER, get_html, NULL},
        {WEB_GET, "/api/v1/report.pub", WEB_USER, get_key, NULL},
    };

    web_routes_add(routes, table, sizeof table / sizeof *table, diary);
}
