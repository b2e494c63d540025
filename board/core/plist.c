#include "board/core/plist.h"

#include <string.h>

#include "board/core/config.h"
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
    return err_set(s->err, CONFIG_ESYNTAX, "%s:%u: expected %s, got %s%s%s", s->file, s->line, what,
                   n ? "\"" : "", n ? got : "something else", n ? "\"" : "");
}

/* Blanks and comments between elements. */
static int skip_space(struct scan *s)
{
    for (;;) {
        while (s->at < s->end && is_blank(*s->at))
            advance(s, 1);
        if (!starts(s, "<!--"))
            return 0;
        advance(s, 4);
        while (s->at < s->end && !starts(s, "--"))
            advance(s, 1);
        if (!starts(s, "-->"))
            return expected(s, "the end of a comment");
        advance(s, 3);
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
        char c = starts(s, "]]>") ? 0 : take_char(s);

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

/* Blanks, at least one. */
static bool take_blanks(struct scan *s)
{
    const char *from = s->at;

    while (s->at < s->end && is_blank(*s->at))
        advance(s, 1);
    return s->at > from;
}

static bool take_word(struct scan *s, const char *word)
{
    if (!starts(s, word))
        return false;
    advance(s, strlen(word));
    return true;
}

/* XML's characters of a public identifier. */
static bool is_pubid(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr(" -'()+,./:=?;!*#@$_%", c));
}

/* "..." or '...' */
static bool take_quoted(struct scan *s)
{
    char quote = s->at < s->end ? *s->at : 0;
    const char *at = s->at + 1;

    if (quote != '"' && quote != '\'')
        return false;
    while (at < s->end && *at != quote && is_pubid(*at))
        at++;
    if (at >= s->end || *at != quote)
        return false;
    advance(s, (size_t)(at - s->at) + 1);
    return true;
}

/* <?xml version="1.0" encoding="UTF-8"?> */
static int take_declaration(struct scan *s)
{
    bool good = take_word(s, "<?xml") && take_blanks(s) &&
                (take_word(s, "version=\"1.0\"") || take_word(s, "version='1.0'"));

    if (good && take_blanks(s) && starts(s, "encoding"))
        good = take_word(s, "encoding=\"UTF-8\"") || take_word(s, "encoding=\"utf-8\"") ||
               take_word(s, "encoding='UTF-8'") || take_word(s, "encoding='utf-8'");
    take_blanks(s);
    return good && take_word(s, "?>") ? 0
                                      : expected(s, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
}

/* <!DOCTYPE plist PUBLIC "..." "..."> */
static int take_doctype(struct scan *s)
{
    bool good = take_word(s, "<!DOCTYPE") && take_blanks(s) && take_word(s, "plist");

    if (good && take_blanks(s) && starts(s, "PUBLIC"))
        good = take_word(s, "PUBLIC") && take_blanks(s) && take_quoted(s) && take_blanks(s) &&
               take_quoted(s);
    else if (good && starts(s, "SYSTEM"))
        good = take_word(s, "SYSTEM") && take_blanks(s) && take_quoted(s);
    take_blanks(s);
    return good && take_word(s, ">")
               ? 0
               : expected(s, "<!DOCTYPE plist PUBLIC \"...\" \"...\">, no definitions");
}

/* What may stand before <plist>: a declaration, comments, a DOCTYPE line. */
static int take_prolog(struct scan *s)
{
    int rc = 0;

    take_word(s, "\xEF\xBB\xBF");
    if (starts(s, "<?xml"))
        rc = take_declaration(s);
    if (rc == 0)
        rc = skip_space(s);
    if (rc == 0 && starts(s, "<!DOCTYPE"))
        rc = take_doctype(s);
    if (rc == 0)
        rc = skip_space(s);
    if (rc)
        return rc;
    return take_tag(s, "<plist version=\"1.0\"") || take_tag(s, "<plist")
               ? 0
               : expected(s, "<plist version=\"1.0\">");
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

int plist_read(const char *file, const char *text, size_t n, plist_take take, void *ctx,
               struct err *err)
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
