#include "net/wire/units.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct unit {
    const char *name; /* compared without regard to case, but for a final B */
    uint64_t bits;
    bool rate_only;
};

#define K UINT64_C(1000)
#define KI UINT64_C(1024)

static const struct unit units[] = {
    {"", 8, false},
    {"bit", 1, true},
    {"kbit", K, true},
    {"Mbit", K *K, true},
    {"Gbit", K *K *K, true},
    {"bps", 1, true},
    {"kbps", K, true},
    {"Mbps", K *K, true},
    {"Gbps", K *K *K, true},
    {"B", 8, false},
    {"kB", 8 * K, false},
    {"MB", 8 * K *K, false},
    {"GB", 8 * K *K *K, false},
    {"TB", 8 * K *K *K *K, false},
    {"KiB", 8 * KI, false},
    {"MiB", 8 * KI *KI, false},
    {"GiB", 8 * KI *KI *KI, false},
    {"TiB", 8 * KI *KI *KI *KI, false},
};

static bool is_unit(const struct unit *u, const char *s, size_t n)
{
    if (strlen(u->name) != n || strncasecmp(u->name, s, n) != 0)
        return false;
    return n == 0 || u->name[n - 1] != 'B' || s[n - 1] == 'B';
}

static const struct unit *find_unit(const char *s, size_t n)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (is_unit(&units[i], s, n))
            return &units[i];
    return NULL;
}

/* A decimal number as mantissa / 10^decimals; NULL when there is none or it has more digits than
 * fit. */
static const char *read_number(const char *s, uint64_t *mantissa, uint64_t *scale)
{
    const char *start = s;
    bool point = false;

    *mantissa = 0;
    *scale = 1;
    for (; (*s >= '0' && *s <= '9') || (*s == '.' && !point); s++) {
        if (*s == '.') {
            point = true;
            continue;
        }
        if (*mantissa > (UINT64_MAX - 9) / 10 || *scale > UINT64_MAX / 10)
            return NULL;
        *mantissa = *mantissa * 10 + (uint64_t)(*s - '0');
        if (point)
            *scale *= 10;
    }
    return s - start > (point ? 1 : 0) ? s : NULL;
}

static int parse(const char *text, bool rate, uint64_t *out)
{
    uint64_t mantissa, scale;
    const char *s = read_number(text + strspn(text, " "), &mantissa, &scale);
    const struct unit *u;
    unsigned __int128 v;
    size_t n;

    if (!s)
        return UNITS_EFORM;
    s += strspn(s, " ");
    n = strlen(s);
    while (n && s[n - 1] == ' ')
        n--;
    if (rate && n > 2 && strncmp(s + n - 2, "/s", 2) == 0)
        n -= 2;
    u = find_unit(s, n);
    if (!u || (u->rate_only && !rate))
        return UNITS_EFORM;
    v = (unsigned __int128)mantissa * u->bits / 8 / scale;
    if (v > INT64_MAX)
        return UNITS_ERANGE;
    *out = (uint64_t)v;
    return 0;
}

int units_rate(const char *text, uint64_t *out)
{
    return parse(text, true, out);
}

int units_size(const char *text, uint64_t *out)
{
    return parse(text, false, out);
}

/* v in thousands: "37.5 M", four digits at most. */
static int scaled(char *buf, size_t n, double v)
{
    static const char prefix[] = " kMGTPE";
    size_t p = 0;

    while (v >= 999.95 && p + 1 < sizeof prefix - 1) {
        v /= 1000;
        p++;
    }
    return p ? snprintf(buf, n, "%.4g %c", v, prefix[p]) : snprintf(buf, n, "%.4g ", v);
}

const char *units_rate_text(char buf[UNITS_TEXT], uint64_t bytes_per_s)
{
    char bits[24], bytes[24];

    scaled(bits, sizeof bits, (double)bytes_per_s * 8);
    scaled(bytes, sizeof bytes, (double)bytes_per_s);
    snprintf(buf, UNITS_TEXT, "%sbit/s (%sB/s)", bits, bytes);
    return buf;
}

const char *units_size_text(char buf[UNITS_TEXT], uint64_t bytes)
{
    char text[24];

    if (bytes < 1000) {
        snprintf(buf, UNITS_TEXT, "%u byte%s", (unsigned)bytes, bytes == 1 ? "" : "s");
    } else {
        scaled(text, sizeof text, (double)bytes);
        snprintf(buf, UNITS_TEXT, "%sB", text);
    }
    return buf;
}

const char *units_time_text(char buf[UNITS_TEXT], int64_t ns)
{
    long long s;

    if (ns < 0)
        ns = 0;
    s = ns / 1000000000;
    if (ns < INT64_C(59950000000))
        snprintf(buf, UNITS_TEXT, "%.1f s", (double)ns / 1e9);
    else if (s < 3600)
        snprintf(buf, UNITS_TEXT, "%lld:%02lld", s / 60, s % 60);
    else
        snprintf(buf, UNITS_TEXT, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
    return buf;
}

/* Days since 1970 as a date of the Gregorian calendar, counted in eras of 400 years that begin in
 * March, when leap days come last. */
static void date_of(uint64_t days, unsigned *year, unsigned *month, unsigned *day)
{
    uint64_t z = days + 719468, era = z / 146097, doe = z % 146097;
    uint64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    uint64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;

    *day = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
    *month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
    *year = (unsigned)(yoe + era * 400 + (*month <= 2));
}

const char *units_date_text(char buf[UNITS_TEXT], uint64_t unix_s)
{
    unsigned year, month, day, s = (unsigned)(unix_s % 86400);

    buf[0] = 0;
    if (unix_s > UINT64_C(253402300799))
        return buf;
    date_of(unix_s / 86400, &year, &month, &day);
    snprintf(buf, UNITS_TEXT, "%04u-%02u-%02uT%02u:%02u:%02uZ", year, month, day, s / 3600,
             s / 60 % 60, s % 60);
    return buf;
}
