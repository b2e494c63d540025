/* The chunk hash (131072 bytes a chunk) by each way this CPU has, one core, best of several rounds
 * of CPU time. A row of tests/bench/run: measure, goal, measured, verdict. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "imaging/hash/sha256.h"

#define CHUNK ((size_t)131072)
#define CHUNKS ((size_t)256)
#define ROUNDS 7

static double cpu_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double chunks_mb_s(const uint8_t *data, uint8_t sink[SHA256_BYTES])
{
    double start = cpu_seconds();

    for (size_t i = 0; i < CHUNKS; i++)
        chunk_hash(sink, data + i * CHUNK, CHUNK);
    return (double)(CHUNKS * CHUNK) / 1e6 / (cpu_seconds() - start);
}

static double best_of(const uint8_t *data, uint8_t sink[SHA256_BYTES])
{
    double best = 0;

    for (int r = 0; r < ROUNDS; r++) {
        double v = chunks_mb_s(data, sink);

        best = v > best ? v : best;
    }
    return best;
}

int main(void)
{
    static const double goal[SHA256_PATHS] = {[SHA256_AVX2] = 1000, [SHA256_SHANI] = 1500};
    uint8_t *data = malloc(CHUNKS * CHUNK), sink[SHA256_BYTES];

    if (!data)
        return 1;
    for (size_t i = 0; i < CHUNKS * CHUNK; i++)
        data[i] = (uint8_t)(i * 2654435761u >> 13);
    for (enum sha256_path p = SHA256_PORTABLE; p < SHA256_PATHS; p++) {
        double v;

        if (!sha256_force(p))
            continue;
        v = best_of(data, sink);
        if (goal[p] > 0)
            printf("hash chunks, %s\t>= %.0f MB/s\t%.0f MB/s\t%s\n", sha256_path_name(p), goal[p],
                   v, v >= goal[p] ? "pass" : "FAIL");
        else
            printf("hash chunks, %s\t-\t%.0f MB/s\t-\n", sha256_path_name(p), v);
    }
    free(data);
    return 0;
}
