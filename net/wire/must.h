/* Invariants of our own code, checked in release builds too. A failure is a bug of ours: say
 * where, stop at once, and let the supervisor start us again. Never used on foreign bytes. */
#ifndef NET_WIRE_MUST_H
#define NET_WIRE_MUST_H

/* Prints "file:line: must hold: text" on stderr and aborts. */
_Noreturn void must_fail(const char *file, int line, const char *text);

#define MUST(cond) ((cond) ? (void)0 : must_fail(__FILE__, __LINE__, #cond))

#endif
