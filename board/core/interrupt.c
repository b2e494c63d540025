#include "board/core/interrupt.h"

#include <signal.h>
#include <stddef.h>

static atomic_int flag;

static void on_signal(int number)
{
    (void)number;
    flag = 1;
}

const atomic_int *interrupt_watch(void)
{
    struct sigaction a = {.sa_handler = on_signal};
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

    sigemptyset(&a.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaction(numbers[i], &a, NULL);
    return &flag;
}
