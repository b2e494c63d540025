/* MB/s of the chunk hash (131072 bytes a chunk) and of one long message, for each path this CPU
 * has: best of several rounds of CPU time, one thread. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "imaging/image/sha256.h"

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

static double message_mb_s(const uint8_t *data, uint8_t sink[SHA256_BYTES])
{
    double start = cpu_seconds();

    sha256(sink, data, CHUNKS * CHUNK);
    return (double)(CHUNKS * CHUNK) / 1e6 / (cpu_seconds() - start);
}

int main(void)
{
    uint8_t *data = malloc(CHUNKS * CHUNK), sink[SHA256_BYTES];

    if (!data)
        return 1;
    for (size_t i = 0; i < CHUNKS * CHUNK; i++)
        data[i] = (uint8_t)(i * 2654435761u >> 13);
    printf("path      chunk hash MB/s   one message MB/s\n");
    for (enum sha256_path p = SHA256_PORTABLE; p < SHA256_PATHS; p++) {
        double best[2] = {0, 0};

        if (!sha256_force(p))
            continue;
        for (int r = 0; r < ROUNDS; r++) {
            double c = chunks_mb_s(data, sink), m = message_mb_s(data, sink);

            best[0] = c > best[0] ? c : best[0];
            best[1] = m > best[1] ? m : best[1];
        }
        printf("%-9s %15.0f %18.0f\n", sha256_path_name(p), best[0], best[1]);
    }
    free(data);
    return 0;
}
