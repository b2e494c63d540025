#include "imaging/fec/fec.h"

#include "imaging/fec/code.h"
#include "imaging/fec/kernels.h"
#include "net/wire/must.h"

#include <pthread.h>
#include <string.h>

_Static_assert(sizeof(struct workspace) <= sizeof(struct fec_scratch),
               "scratch holds the workspace");
_Static_assert((int)FEC_LG_T_MAX <= (int)CODE_LG_T_MAX, "slices are sized for T");
_Static_assert(FEC_K_MAX + (1 << FEC_LG_T_MAX) <= 1 << CODE_LG_N_MAX, "all symbols have a point");
_Static_assert((int)FEC_SYMBOL <= (int)CODE_SYMBOL_MAX && FEC_ROW == (FEC_SYMBOL + 63) / 64 * 64,
               "rows hold symbols");

static struct code code;

static struct workspace *workspace(struct fec_scratch *scratch)
{
    return (struct workspace *)scratch;
}

static void must_be_parameter(unsigned lg_t)
{
    MUST(lg_t >= FEC_LG_T_MIN && lg_t <= FEC_LG_T_MAX);
}

static void must_be_repair(unsigned lg_t, unsigned first, unsigned count)
{
    must_be_parameter(lg_t);
    MUST(count <= 1U << lg_t && first <= (1U << lg_t) - count);
}

static int tables_build(const char *isa)
{
    gf_init();
    if (!gf_select(isa))
        return FEC_E_ISA;
    code_init(&code, CODE_LG_N_MAX, FEC_SYMBOL);
    return 0;
}

static void tables_build_best(void)
{
    MUST(tables_build(NULL) == 0);
}

int fec_init(const char *isa)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, tables_build_best);
    return isa ? tables_build(isa) : 0;
}

const char *fec_isa(void)
{
    return gf->name;
}

size_t fec_acc_bytes(unsigned lg_t)
{
    must_be_parameter(lg_t);
    return (size_t)FEC_ROW << lg_t;
}

void fec_clear(uint8_t *acc, unsigned lg_t)
{
    memset(acc, 0, fec_acc_bytes(lg_t));
}

void fec_absorb_source(uint8_t *acc, unsigned lg_t, unsigned first, unsigned count,
                       const uint8_t *const sym[], struct fec_scratch *scratch)
{
    must_be_parameter(lg_t);
    MUST(count <= FEC_K_MAX && first <= FEC_K_MAX - count);
    code_absorb(&code, acc, lg_t, (1U << lg_t) + first, count, sym, workspace(scratch));
}

void fec_absorb_repair(uint8_t *acc, unsigned lg_t, unsigned first, unsigned count,
                       const uint8_t *const sym[], struct fec_scratch *scratch)
{
    must_be_repair(lg_t, first, count);
    code_absorb(&code, acc, lg_t, first, count, sym, workspace(scratch));
}

void fec_repair(const uint8_t *acc, unsigned lg_t, unsigned first, unsigned count,
                uint8_t *const out[], struct fec_scratch *scratch)
{
    must_be_repair(lg_t, first, count);
    code_repair(&code, acc, lg_t, first, count, out, workspace(scratch));
}

int fec_recover(uint8_t *acc, unsigned lg_t, unsigned k, const uint64_t *have_source,
                const uint64_t *have_repair, const uint64_t *want, struct fec_scratch *scratch)
{
    must_be_parameter(lg_t);
    MUST(k >= 1 && k <= FEC_K_MAX);
    return code_recover(&code, acc, lg_t, k, have_source, have_repair, want, workspace(scratch));
}

void fec_recovered(const uint8_t *acc, unsigned lg_t, unsigned nth, uint8_t out[FEC_SYMBOL])
{
    must_be_parameter(lg_t);
    MUST(nth < 1U << lg_t);
    code_recovered(&code, acc, lg_t, nth, out);
}
