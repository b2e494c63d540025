/* The codes of this room and their sentences, once. X(NAME, code, sentence) */
#ifndef NET_SYSLOG_ERRORS_H
#define NET_SYSLOG_ERRORS_H

#define SYSLOG_ERRORS(X)                                                                           \
    X(SYSLOG_EADDRESS, -3000,                                                                      \
      "not an address of a syslog server, such as 10.77.0.5 or 10.77.0.5:514")                     \
    X(SYSLOG_EMEMORY, -3001, "the IP stack is out of memory for syslog")

#define X(name, code, sentence) name = code,
enum syslog_error { SYSLOG_ERRORS(X) };
#undef X

#endif
