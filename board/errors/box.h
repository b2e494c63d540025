/* What can go wrong in the box itself. X(NAME, code, sentence) */
#ifndef BOARD_ERRORS_BOX_H
#define BOARD_ERRORS_BOX_H

#define PC_ERRORS(X)                                                                               \
    X(PC_EJOURNAL, -2200, "the box's memory (the journal) cannot be opened or written")            \
    X(PC_EFULL, -2201, "the box's memory (the journal) is full")                                   \
    X(PC_EIDENTITY, -2202, "the box's identity key cannot be read or made")                        \
    X(PC_EMEMORY, -2203, "out of memory")                                                          \
    X(PC_ESECTION, -2204, "the configuration has a section that does not belong there")            \
    X(PC_EKEY, -2205, "the configuration has a key that does not belong there")                    \
    X(PC_EINTERFACE, -2207, "no network interface has a link")                                     \
    X(PC_EFOLDER, -2208, "a folder of the box cannot be read")                                     \
    X(PC_ETHREAD, -2209, "a thread of the box cannot be started")                                  \
    X(PC_EPAYLOAD, -2210, "the payload for targets is missing or not of this box's kind")          \
    X(PC_EOWN, -2211, "what is a machine's own does not fit, or makes no sense")                   \
    X(PC_ESETTLE, -2212, "what is this machine's own cannot be written to its disk")               \
    X(PC_EHOLD, -2213, "the box is on hold: a person has to decide first")                         \
    X(PC_ENEWER, -2214, "the box's memory was written by a newer version of this program")

#define X(name, code, sentence) name = code,
enum pc_error { PC_ERRORS(X) };
#undef X

#endif
