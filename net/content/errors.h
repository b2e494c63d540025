/* The codes of this room and their sentences, once. X(NAME, code, sentence) */
#ifndef NET_CONTENT_ERRORS_H
#define NET_CONTENT_ERRORS_H

#define CONTENT_ERRORS(X)                                                                          \
    X(CONTENT_ENAME, -2100, "there is nothing by that name")                                       \
    X(CONTENT_EBUSY, -2101, "too many are being read at this moment")                              \
    X(CONTENT_EREAD, -2102, "the file cannot be read, or has become shorter")                      \
    X(CONTENT_EOPEN, -2103, "the file or folder cannot be opened")                                 \
    X(CONTENT_EMEMORY, -2104, "out of memory for the content")                                     \
    X(CONTENT_ELARGE, -2105, "the file is larger than it may be")                                  \
    X(CONTENT_EMANY, -2106, "the folder holds more files than it may")                             \
    X(CONTENT_EMAGIC, -2107, "the place to fill in is not there exactly once")                     \
    X(CONTENT_EMAKE, -2108, "the text made for the client does not fit")

#define X(name, code, sentence) name = code,
enum content_error { CONTENT_ERRORS(X) };
#undef X

#endif
