/* The codes of this room and their sentences, once. X(NAME, code, sentence) */
#ifndef NET_SESSION_ERRORS_H
#define NET_SESSION_ERRORS_H

#define SESSION_ERRORS(X)                                                                          \
    X(SESSION_EMAGIC, -1200, "what came is not Ringcast's session protocol")                       \
    X(SESSION_EVERSION, -1201, "the other side speaks another version of the session protocol")    \
    X(SESSION_ETYPE, -1202, "a message of a type that does not belong here")                       \
    X(SESSION_ELENGTH, -1203, "a message longer than its type allows, or cut short")               \
    X(SESSION_EFIELD, -1204, "a message with a field out of range")                                \
    X(SESSION_ETAG, -1205, "a beacon whose tag is wrong")                                          \
    X(SESSION_EREPLAY, -1206, "a beacon that was seen before")                                     \
    X(SESSION_EUNKNOWN, -1207, "a beacon of an unknown session or receiver")                       \
    X(SESSION_EFULL, -1208, "no room for another receiver or image")                               \
    X(SESSION_ECONNECT, -1209, "the server cannot be reached")                                     \
    X(SESSION_ETIMEOUT, -1210, "the server did not answer in time")                                \
    X(SESSION_ECLOSED, -1211, "the server closed the connection before it answered")               \
    X(SESSION_EREFUSED, -1212, "the server refused")                                               \
    X(SESSION_ECHOOSE, -1213, "the server has several images: name one")                           \
    X(SESSION_EMEMORY, -1214, "the IP stack is out of memory")                                     \
    X(SESSION_EBIND, -1215, "the session port is in use")                                          \
    X(SESSION_ETHREAD, -1216, "the control thread cannot be started")                              \
    X(SESSION_EWAIT, -1217, "the image cannot be given out yet: ask again")

#define X(name, code, sentence) name = code,
enum session_error { SESSION_ERRORS(X) };
#undef X

#endif
