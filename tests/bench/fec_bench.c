/* Speed of the erasure code on one core, for each instruction set this CPU has and several T.
 *
 *   fec_bench [ISA [LG_T]]
 *
 * Figures are of CPU time, the best of a few rounds, in MB (10^6) of source a second and ms a
 * block; blocks have k = 12288. Sources and accumulators do not fit the caches: a receiver's
 * windows do not either.
 *
 *   encode  absorb whole cosets of one block after another, make repair symbols for 2 %
 *   whole   absorb whole cosets, going round all open blocks: each accumulator comes from memory
 *   run     the same with runs of 128, as a receiver does
 *   finish  recover T missing source symbols, the most there can be, and copy them out
 *   decode  a block with 1 % lost: absorb cosets with holes and repair symbols, recover them */
#include "imaging/fec/fec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { K = FEC_K_MAX, BLOCKS = 4, ROUNDS = 5, DATAGRAM = 1536 };

static uint8_t *source; /* BLOCKS blocks of K symbols, DATAGRAM bytes apart */
static uint8_t *accs;   /* open blocks' accumulators */
static unsigned open_blocks;
static struct fec_scratch scratch;
static uint8_t repair[1 << FEC_LG_T_MAX][FEC_SYMBOL];

static double cpu_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static const uint8_t *symbol(unsigned block, unsigned i)
{
    return source + ((size_t)block * K + i) * DATAGRAM + 33;
}

static uint8_t *accumulator(unsigned block, unsigned lg_t)
{
    return accs + block * fec_acc_bytes(lg_t);
}

static void absorb(uint8_t *acc, unsigned lg_t, unsigned block, unsigned first, unsigned count,
                   const uint64_t *have)
{
    const uint8_t *sym[1 << FEC_LG_T_MAX];

    for (unsigned i = 0; i < count; i++)
        sym[i] = !have || have[(first + i) / 64] >> (first + i) % 64 & 1 ? symbol(block, first + i)
                                                                         : NULL;
    fec_absorb_source(acc, lg_t, first, count, sym, &scratch);
}

static void absorb_repair(uint8_t *acc, unsigned lg_t, unsigned count)
{
    const uint8_t *sym[1 << FEC_LG_T_MAX];

    for (unsigned i = 0; i < count; i++)
        sym[i] = repair[i];
    fec_absorb_repair(acc, lg_t, 0, count, sym, &scratch);
}

static void encode_block(unsigned lg_t, unsigned block, unsigned repairs)
{
    uint8_t *out[1 << FEC_LG_T_MAX], *acc = accumulator(0, lg_t);

    fec_clear(acc, lg_t);
    for (unsigned i = 0; i < K; i += 1U << lg_t)
        absorb(acc, lg_t, block, i, 1U << lg_t, NULL);
    for (unsigned i = 0; i < repairs; i++)
        out[i] = repair[i];
    fec_repair(acc, lg_t, 0, repairs, out, &scratch);
}

static double encode(unsigned lg_t)
{
    double begin = cpu_seconds();

    for (unsigned b = 0; b < BLOCKS; b++)
        encode_block(lg_t, b, K / 50);
    return (cpu_seconds() - begin) / BLOCKS;
}

/* Runs of one block after the other, as many as make BLOCKS whole blocks. */
static double accumulate(unsigned lg_t, unsigned run)
{
    double begin = cpu_seconds();

    for (unsigned i = 0; i < BLOCKS * (K / run); i++)
        absorb(accumulator(i % open_blocks, lg_t), lg_t, i % BLOCKS, i / BLOCKS * run, run, NULL);
    return (cpu_seconds() - begin) / BLOCKS;
}

/* Clears `lost` bits of have, evenly spread. */
static void lose(uint64_t *have, unsigned lost)
{
    memset(have, 0xFF, K / 8);
    for (unsigned i = 0; i < lost; i++) {
        unsigned at = (unsigned)((uint64_t)i * K / lost) + i % (K / lost);

        have[at / 64] &= ~(UINT64_C(1) << at % 64);
    }
}

static void take_out(unsigned lg_t, unsigned block, const uint64_t *have,
                     const uint64_t *have_repair, unsigned lost)
{
    uint8_t *acc = accumulator(0, lg_t), out[FEC_SYMBOL];
    int n = fec_recover(acc, lg_t, K, have, have_repair, NULL, &scratch);

    for (unsigned i = 0, nth = 0; i < K && n == (int)lost; i++)
        if (!(have[i / 64] >> i % 64 & 1)) {
            fec_recovered(acc, lg_t, nth++, out);
            n -= memcmp(out, symbol(block, i), FEC_SYMBOL) != 0;
        }
    if (n != (int)lost) {
        fprintf(stderr, "fec_bench: a block was not recovered\n");
        exit(1);
    }
}

/* Seconds of the recovery alone, and of all. */
static void decode(unsigned lg_t, unsigned lost, double *finish, double *all)
{
    uint64_t have[K / 64], have_repair[(1 << FEC_LG_T_MAX) / 64] = {0};
    double begin, absorbed;

    encode_block(lg_t, 1, lost);
    lose(have, lost);
    for (unsigned i = 0; i < lost; i++)
        have_repair[i / 64] |= UINT64_C(1) << i % 64;
    begin = cpu_seconds();
    fec_clear(accumulator(0, lg_t), lg_t);
    for (unsigned i = 0; i < K; i += 1U << lg_t)
        absorb(accumulator(0, lg_t), lg_t, 1, i, 1U << lg_t, have);
    absorb_repair(accumulator(0, lg_t), lg_t, lost);
    absorbed = cpu_seconds();
    take_out(lg_t, 1, have, have_repair, lost);
    *all = cpu_seconds() - begin;
    *finish = cpu_seconds() - absorbed;
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

static void measure(unsigned lg_t)
{
    double e = 1e9, whole = 1e9, run = 1e9, finish = 1e9, one = 1e9, f, a,
           mb = K * FEC_SYMBOL / 1e6;

    open_blocks = lg_t == 8 ? 128 : 256U >> (lg_t - 7);
    memset(accs, 0, fec_acc_bytes(lg_t) * open_blocks);
    for (int i = 0; i < ROUNDS; i++) {
        e = least(e, encode(lg_t));
        whole = least(whole, accumulate(lg_t, 1U << lg_t));
        run = least(run, accumulate(lg_t, FEC_RUN));
        decode(lg_t, 1U << lg_t, &f, &a);
        finish = least(finish, f);
        decode(lg_t, K / 100, &f, &a);
        one = least(one, a);
    }
    printf("%-9s %5u %8.0f %8.0f %8.0f %9.2f %8.0f\n", fec_isa(), 1U << lg_t, mb / e, mb / whole,
           mb / run, finish * 1e3, mb / one);
}

int main(int argc, char **argv)
{
    static const char *const isas[] = {"avx512", "gfni", "avx2", "ssse3", "portable"};
    size_t bytes = (size_t)BLOCKS * K * DATAGRAM + DATAGRAM;

    source = malloc(bytes);
    accs = aligned_alloc(64, (size_t)64 << 20);
    if (!source || !accs)
        return 1;
    for (size_t i = 0; i < bytes; i++)
        source[i] = (uint8_t)(i * 0x9E3779B97F4A7C15 >> 40);
    printf("%-9s %5s %8s %8s %8s %9s %8s\n", "isa", "T", "encode", "whole", "run", "finish/ms",
           "decode");
    for (size_t i = 0; i < sizeof isas / sizeof isas[0]; i++) {
        if ((argc > 1 && strcmp(argv[1], isas[i])) || fec_init(isas[i]))
            continue;
        for (unsigned lg_t = 8; lg_t <= 11; lg_t++)
            if (argc < 3 || lg_t == (unsigned)atoi(argv[2]))
                measure(lg_t);
    }
    return 0;
}
