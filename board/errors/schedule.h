/* What can be wrong with an order for the room. X(NAME, code, sentence) */
#ifndef BOARD_ERRORS_SCHEDULE_H
#define BOARD_ERRORS_SCHEDULE_H

#define PLAN_ERRORS(X)                                                                             \
    X(PLAN_EIMAGE, -2700, "the box has no image of that name")                                     \
    X(PLAN_EBUSY, -2701, "the image has a session already")                                        \
    X(PLAN_EFULL, -2702, "there are as many sessions as the box can hold")                         \
    X(PLAN_EUNKNOWN, -2703, "there is no session of that number")                                  \
    X(PLAN_ESTATE, -2704, "the session is not in a state in which this can be done")               \
    X(PLAN_EVALUE, -2705, "the order has a value out of its range or of the wrong kind")           \
    X(PLAN_EMACHINE, -2706, "no machine of that address is known here")                            \
    X(PLAN_ENOLIST, -2707, "there is no list of expected machines")                                \
    X(PLAN_ELINE, -2708, "a line of the list of expected machines cannot be understood")           \
    X(PLAN_EMANY, -2709, "the list of expected machines is longer than the box can hold")          \
    X(PLAN_ETWICE, -2710, "the list of expected machines has one machine twice")                   \
    X(PLAN_ESAME, -2713, "another session wants the same machines")                                \
    X(PLAN_EDONE, -2712, "the machine has been imaged and is not armed again")                     \
    X(PLAN_EMEMORY, -2711, "the box cannot keep what it was told")

#define X(name, code, sentence) name = code,
enum plan_error { PLAN_ERRORS(X) };
#undef X

#endif
