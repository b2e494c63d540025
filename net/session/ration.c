#include "net/session/ration.h"

bool session_ration_take(struct session_ration *r, uint32_t address, struct mono now)
{
    unsigned first = (address * 2654435761u >> 16) % (SESSION_RATION_ROWS / SESSION_RATION_WAYS) *
                     SESSION_RATION_WAYS,
             pick = first;
    struct mono full;

    for (unsigned i = first; i < first + SESSION_RATION_WAYS && r->row[pick].address != address;
         i++)
        if (r->row[i].address == address || mono_sub(r->row[pick].full, r->row[i].full) > 0 ||
            (!r->row[i].address && r->row[pick].address))
            pick = i;
    if (r->row[pick].address != address || mono_sub(now, r->row[pick].full) > 0)
        r->row[pick].full = now;
    r->row[pick].address = address;
    full = mono_add(r->row[pick].full, SESSION_ASK_NS);
    if (mono_sub(full, now) > SESSION_ASKS * SESSION_ASK_NS)
        return false;
    r->row[pick].full = full;
    return true;
}
