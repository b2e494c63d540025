#include "net/os/serving.h"

static _Thread_local bool serves;

void serving_begin(void)
{
    serves = true;
}

void serving_end(void)
{
    serves = false;
}

bool serving_here(void)
{
    return serves;
}
