#include "board/host/plist.h"

#include <string.h>

#include "board/host/config.h"
#include "net/wire/utf8.h"

struct scan {
    const char *file, *at, *end;
    unsigned line;
    struct err *err;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool starts(const struct scan *s, const char *with)
{
    size_t n = strlen(with);

    return (size_t)(s->end - s->at) >= n && memcmp(s->at, with, n) == 0;
}

static void advance(struct scan *s, size_t n)
{
    for (; n; n--)
        s->line += *s->at++ == '\n';
}

/* "FILE:LINE: expected WHAT, got ..." with the first characters of what is there. */
static int expected(const struct scan *s, const char *what)
{
    char got[24];
    size_t n = 0;

    while (n + 1 < sizeof got && s->at + n < s->end && s->at[n] > ' ' && s->at[n] <= '~') {
        got[n] = s->at[n];
        n++;
    }
    got[n] = 0;
    return err_set(s->err, CONFIG_ESYNTAX, "%s:%u: expected %s, got %s%s%s", s->file, s->line, what, n ? "\"" : "",
                   n ? got : "something else", n ? "\"" : "");
}

/* Moves behind `mark`; false when it does not come. */
static bool skip_behind(struct scan *s, const char *mark)
{
    while (s->at < s->end && !starts(s, mark))
        advance(s, 1);
    if (s->at == s->end)
        return false;
    advance(s, strlen(mark));
    return true;
}

/* Blanks and comments between elements. */
static int skip_space(struct scan *s)
{
    for (;;) {
        while (s->at < s->end && is_blank(*s->at))
            advance(s, 1);
        if (!starts(s, "<!--"))
            return 0;
        if (!skip_behind(s, "-->"))
            return expected(s, "the end of a comment");
    }
}

/* The tag `<name>` or `</name>`, blanks before the '>' allowed, after blanks and comments. */
static bool take_tag(struct scan *s, const char *tag)
{
    const char *at;

    if (!starts(s, tag))
        return false;
    for (at = s->at + strlen(tag); at < s->end && is_blank(*at); at++)
        ;
    if (at == s->end || *at != '>')
        return false;
    advance(s, (size_t)(at - s->at) + 1);
    return true;
}

static int need_tag(struct scan *s, const char *tag, const char *name)
{
    int rc = skip_space(s);

    if (rc)
        return rc;
    return take_tag(s, tag) ? 0 : expected(s, name);
}

/* One character of text: itself or one of the five entities. */
static char take_char(struct scan *s)
{
    static const struct {
        const char *name;
        char c;
    } entity[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
    char c = *s->at;

    if (c != '&') {
        advance(s, 1);
        return c;
    }
    for (size_t i = 0; i < sizeof entity / sizeof *entity; i++)
        if (starts(s, entity[i].name)) {
            advance(s, strlen(entity[i].name));
            return entity[i].c;
        }
    return 0;
}

/* Text up to the closing tag, into `to` of PLIST_TEXT_MAX + 1 bytes. */
static int take_text(struct scan *s, const char *closing, char *to)
{
    size_t n = 0;

    while (s->at < s->end && *s->at != '<') {
        char c = take_char(s);

        if (!c)
            return expected(s, "one of &amp; &lt; &gt; &quot; &apos;");
        if (n == PLIST_TEXT_MAX)
            return expected(s, "a text of at most 255 bytes");
        to[n++] = c;
    }
    to[n] = 0;
    if (!take_tag(s, closing))
        return expected(s, closing);
    if (!utf8_is_plain(to, n))
        return expected(s, "UTF-8 text without control characters before this");
    return 0;
}

/* "-12": digits with an optional sign, blanks around them, within 63 bits. */
static bool to_integer(const char *text, int64_t *out)
{
    const char *at = text + strspn(text, " \t");
    bool minus = *at == '-';
    uint64_t v = 0;
    size_t n = 0;

    at += minus || *at == '+';
    for (; at[n] >= '0' && at[n] <= '9'; n++) {
        if (n == 18)
            return false;
        v = v * 10 + (uint64_t)(at[n] - '0');
    }
    *out = minus ? -(int64_t)v : (int64_t)v;
    return n && at[n + strspn(at + n, " \t")] == 0;
}

static int take_value(struct scan *s, struct plist_value *v)
{
    int rc;

    memset(v, 0, sizeof *v);
    v->kind = PLIST_BOOL;
    if (take_tag(s, "<true/") || take_tag(s, "<true /")) {
        v->truth = true;
        return 0;
    }
    if (take_tag(s, "<false/") || take_tag(s, "<false /"))
        return 0;
    v->kind = PLIST_STRING;
    if (take_tag(s, "<string/") || take_tag(s, "<string /"))
        return 0;
    if (take_tag(s, "<string"))
        return take_text(s, "</string", v->text);
    v->kind = PLIST_INTEGER;
    if (!take_tag(s, "<integer"))
        return expected(s, "<integer>, <string>, <true/> or <false/>");
    rc = take_text(s, "</integer", v->text);
    if (rc == 0 && !to_integer(v->text, &v->integer))
        return expected(s, "a whole number before this");
    return rc;
}

/* What may stand before <plist>: a declaration, comments, a DOCTYPE line. */
static int take_prolog(struct scan *s)
{
    int rc;

    if (starts(s, "\xEF\xBB\xBF"))
        advance(s, 3);
    if (starts(s, "<?xml") && !skip_behind(s, "?>"))
        return expected(s, "the end of the XML declaration");
    rc = skip_space(s);
    if (rc)
        return rc;
    if (starts(s, "<!DOCTYPE")) {
        while (s->at < s->end && *s->at != '>') {
            if (*s->at == '[')
                return expected(s, "a DOCTYPE without definitions of its own");
            advance(s, 1);
        }
        if (s->at == s->end)
            return expected(s, "the end of the DOCTYPE");
        advance(s, 1);
    }
    rc = skip_space(s);
    if (rc)
        return rc;
    return take_tag(s, "<plist version=\"1.0\"") || take_tag(s, "<plist") ? 0 : expected(s, "<plist version=\"1.0\">");
}

bool plist_is_xml(const char *text, size_t n)
{
    size_t at = n >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;

    while (at < n && is_blank(text[at]))
        at++;
    return at < n && text[at] == '<';
}

bool plist_is_binary(const char *text, size_t n)
{
    return n >= 6 && memcmp(text, "bplist", 6) == 0;
}

int plist_read(const char *file, const char *text, size_t n, plist_take take, void *ctx, struct err *err)
{
    struct scan s = {.file = file, .at = text, .end = text + n, .line = 1, .err = err};
    char key[PLIST_TEXT_MAX + 1];
    struct plist_value value;
    int rc = take_prolog(&s);

    if (rc == 0)
        rc = need_tag(&s, "<dict", "<dict>");
    while (rc == 0) {
        unsigned line;

        rc = skip_space(&s);
        if (rc || take_tag(&s, "</dict"))
            break;
        if (!take_tag(&s, "<key"))
            return expected(&s, "<key> or </dict>");
        rc = take_text(&s, "</key", key);
        if (rc == 0)
            rc = skip_space(&s);
        line = s.line;
        if (rc == 0)
            rc = take_value(&s, &value);
        if (rc == 0)
            rc = take(ctx, key, &value, line, err);
    }
    if (rc == 0)
        rc = need_tag(&s, "</plist", "</plist>");
    if (rc == 0)
        rc = skip_space(&s);
    if (rc == 0 && s.at != s.end)
        return expected(&s, "nothing after </plist>");
    return rc;
}
