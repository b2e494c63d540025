/* One error as a person reads it: the code that is unique to the cause, and one sentence saying
 * what was expected and what came. Filled where the error is detected; callers pass it on
 * untouched. */
#ifndef NET_WIRE_ERR_H
#define NET_WIRE_ERR_H

struct err {
    int code;       /* 0, or the negative code of the cause */
    char text[256]; /* one sentence without a full stop or newline; "" when code is 0 */
};

/* Stores code and the formatted sentence; the first error stays, a later one is ignored. Returns
 * code. `e` may be NULL: then only the code is passed back. */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
