/* What stands at the other end of a connection that should lead to a box: any bytes. */
#include <stdlib.h>
#include <string.h>

#include "board/cli/api_answer.h"
#include "net/wire/must.h"
#include "net/wire/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *bytes = malloc(n + 1), why[API_REASON_MAX + 1];
    struct api_answer a;
    struct err err = {0};

    memcpy(bytes, data, n);
    if (api_answer_read(&a, bytes, n, &err) == 0) {
        MUST(a.status >= 200 && a.status <= 599 && a.body >= bytes && a.body + a.n <= bytes + n &&
             a.body[a.n] == 0);
        api_answer_reason(&a, why);
        MUST(utf8_is_plain(why, strlen(why)));
    } else {
        MUST(err.code < 0 && err.text[0]);
    }
    free(bytes);
    return 0;
}
