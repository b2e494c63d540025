/* What can go wrong in sending, once for all of this room. X(name, code, sentence). */
#ifndef IMAGING_SEND_ERRORS_H
#define IMAGING_SEND_ERRORS_H

#define SEND_ERRORS(X)                                                                             \
    X(SEND_ERR_MEMORY, -700, "there is not enough memory to send the image")                       \
    X(SEND_ERR_THREAD, -701, "a thread of the sender cannot be started")                           \
    X(SEND_ERR_READ, -702, "the image file can no longer be read")                                 \
    X(SEND_ERR_SHAPE, -703, "the image cannot be sent as a ring")

enum {
#define SEND_X(name, code, text) name = (code),
    SEND_ERRORS(SEND_X)
#undef SEND_X
};

#endif
