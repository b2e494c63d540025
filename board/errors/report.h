/* The codes of the report and their sentences, once. X(NAME, code, sentence) */
#ifndef BOARD_ERRORS_REPORT_H
#define BOARD_ERRORS_REPORT_H

#define REPORT_ERRORS(X)                                                                           \
    X(REPORT_EFILE, -2800, "the report cannot be read")                                            \
    X(REPORT_EUNSEALED, -2801, "this is no report of a box, or its end is missing")                \
    X(REPORT_EALTERED, -2802, "the report is not as the box signed it")                            \
    X(REPORT_EUNTRUSTED, -2803, "the report is signed by another key than the trusted one")        \
    X(REPORT_EBUSY, -2804, "too many reports are being read at this moment")                       \
    X(REPORT_EKEY, -2805, "the box's public key cannot be put into PEM form")

#define X(name, code, sentence) name = code,
enum report_error { REPORT_ERRORS(X) };
#undef X

#endif
