/* The program's log: lines on stderr, the last of them kept in memory. Any thread.
 *
 * Names of files, requests and machines are in lines, and lines go to terminals: a control
 * character, and a byte that is no UTF-8, comes as '?'. */
#ifndef BOARD_LOG_LOG_H
#define BOARD_LOG_LOG_H

/* One line, with date and time in front; cut at 511 bytes. */
void log_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* From now on a thread of its own writes the lines: a serial port takes a hundred and fifty a
 * second, and a terminal that is held takes none. LOG_WAITING lines wait for it; a line says how
 * many more there were. Call once, when the process may have threads. */
#define LOG_WAITING 512
void log_threaded(void);
/* Waits until all is written, a second at most. */
void log_drain(void);

/* The last lines are kept in memory, as they were written and cut at LOG_LINE - 1 bytes. Fills `to`
 * with the last n of them, oldest first, and returns how many there are. */
#define LOG_KEPT 64
#define LOG_LINE 256
unsigned log_last(char to[][LOG_LINE], unsigned n);

#endif
