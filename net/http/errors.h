/* The codes of this room and their sentences, once. X(NAME, code, sentence) */
#ifndef NET_HTTP_ERRORS_H
#define NET_HTTP_ERRORS_H

#define HTTP_ERRORS(X)                                                                             \
    X(HTTP_EURL, -1300, "not a URL of the form http(s)://host[:port]/path")                        \
    X(HTTP_ESTATUSLINE, -1301, "the answer does not begin with an HTTP/1 status line")             \
    X(HTTP_EHEADER, -1302, "a header line of the answer is malformed")                             \
    X(HTTP_ETOOLONG, -1303, "the answer's header is longer than 8 KB")                             \
    X(HTTP_ESTATUS, -1304, "the server answered with an error")                                    \
    X(HTTP_ECHUNKED, -1305, "the server sends the file in chunks of unstated length")              \
    X(HTTP_ELENGTH, -1306, "the answer does not state its length, or states it twice")             \
    X(HTTP_ERANGE, -1307, "the server did not send the range that was asked for")                  \
    X(HTTP_ECHANGED, -1308, "the file changed on the server during the transfer")                  \
    X(HTTP_ECONNECT, -1309, "the server cannot be reached")                                        \
    X(HTTP_ETIMEOUT, -1310, "the server stopped sending")                                          \
    X(HTTP_ECLOSED, -1311, "the server closes the connection before the end, again and again")     \
    X(HTTP_EMEMORY, -1312, "the IP stack is out of memory")                                        \
    X(HTTP_EEXTRA, -1313, "the server sent more than it announced")                                \
    X(HTTP_EBIND, -1314, "the HTTP port is in use")                                                \
    X(HTTP_EREDIRECT, -1315, "the server sends elsewhere: to nowhere, in the clear, or too often") \
    X(HTTP_ETRUST, -1316, "nothing is there to judge the server's certificate by")

#define X(name, code, sentence) name = code,
enum http_error { HTTP_ERRORS(X) };
#undef X

#endif
