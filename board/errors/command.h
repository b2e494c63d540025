/* What can go wrong in the commands themselves. X(NAME, code, sentence) */
#ifndef BOARD_ERRORS_COMMAND_H
#define BOARD_ERRORS_COMMAND_H

#define HOST_ERRORS(X)                                                                             \
    X(HOST_EINTERFACE, -1500, "the network interface to use is not clear")                         \
    X(HOST_EURL, -1501, "the source is not of the form ringcast://HOST[:PORT][/NAME]")             \
    X(HOST_ECONSENT, -1502, "the person at the terminal did not agree to erase the target")        \
    X(HOST_ENOKEY, -1503, "no trusted key was named")                                              \
    X(HOST_ESTOPPED, -1504, "stopped by the operator before all of the image was there")

#define X(name, code, sentence) name = code,
enum host_error { HOST_ERRORS(X) };
#undef X

/* The sentence of any room's code, as `ringcast errors` prints it; NULL: there is no such code. */
const char *error_sentence(int code);

#endif
