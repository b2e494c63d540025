/* An answer's header: the same in one piece as in two, and never more range than was asked for. */
#include <stdlib.h>
#include <string.h>

#include "net/http/codec.h"
#include "net/wire/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct http_parser whole, pieces;
    size_t used, first, second, cut = n ? data[0] % n : 0;
    uint64_t end, total;
    int rc, rc2;

    http_parser_init(&whole);
    rc = http_parser_feed(&whole, data, n, &used);
    http_parser_init(&pieces);
    rc2 = http_parser_feed(&pieces, data, cut, &first);
    if (rc2 == 0 && (rc2 = http_parser_feed(&pieces, data + cut, n - cut, &second)) != 0)
        first = cut + second;
    MUST(rc == rc2 || n == 0);
    if (rc != 1)
        return 0;
    MUST(used == first && used <= n &&
         memcmp(&whole.answer, &pieces.answer, sizeof whole.answer) == 0);
    for (uint64_t from = 0; from < 3; from++)
        if (http_answer_check(&whole.answer, from, 10, &end, &total, NULL) == 0)
            MUST(end <= total && (whole.answer.status == 200 || (end > from && end <= 10)));
    return 0;
}
