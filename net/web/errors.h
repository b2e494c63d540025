/* The codes of this room and their sentences, once. X(NAME, code, sentence) */
#ifndef NET_WEB_ERRORS_H
#define NET_WEB_ERRORS_H

#define WEB_ERRORS(X)                                                                              \
    X(WEB_EREQUEST, -2500, "the request cannot be understood")                                     \
    X(WEB_EROUTE, -2501, "there is nothing at this address")                                       \
    X(WEB_EMETHOD, -2502, "this address does not know that method")                                \
    X(WEB_ELOGIN, -2503, "a login or a token is needed")                                           \
    X(WEB_ECSRF, -2504, "the request lacks the session's X-Ringcast-CSRF")                         \
    X(WEB_ETOOLARGE, -2505, "the body is larger than is taken here")                               \
    X(WEB_ELENGTH, -2506, "the body's length must be stated")                                      \
    X(WEB_EHOST, -2507, "the request is meant for another host")                                   \
    X(WEB_EBUSY, -2508, "the box has too much to do at this moment")                               \
    X(WEB_EANSWER, -2509, "the answer does not fit into the box's memory")                         \
    X(WEB_EPASSWORD, -2510, "the password is wrong")                                               \
    X(WEB_ECODE, -2511, "the set-up code is wrong")                                                \
    X(WEB_ESET, -2512, "a password has been set already")                                          \
    X(WEB_EUNSET, -2513, "no password has been set yet")                                           \
    X(WEB_ELIMIT, -2514, "there were too many attempts")                                           \
    X(WEB_EWEAK, -2515, "the password must have 8 to 128 characters")                              \
    X(WEB_EJSON, -2516, "the body is not the JSON that is expected here")                          \
    X(WEB_ETOKENS, -2517, "there are as many tokens as can be kept")

#define X(name, code, sentence) name = code,
enum web_error { WEB_ERRORS(X) };
#undef X

#endif
