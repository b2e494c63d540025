/* The loops of one instruction set's kernels, written once and compiled by each gf_*.c around its
 * own vectors: a template, without an include guard. The including file has defined
 *
 * - GF_NAME, GF_KERNELS, GF_ENTRY: the instruction set, its struct gf_kernels, bytes of an entry
 * - GF_TARGET, GF_FN: the attribute that lets the compiler use it; that and "always inline"
 * - GF_STEP: bytes from one vec's low bytes to the next's inside a unit
 * - GF_FUSE: whether three constants, those of a radix-4 butterfly, fit the registers together
 * - vec, elements in registers: vec_zero(), vec_load(p), vec_store(p, v), vec_add(u, v)
 * - constant, an entry in registers: constant_load(entry, sub); if sub, what multiply_sub needs
 * - multiply_any(s, &c, v), multiply_sub(s, &c, v): s + c v for any constant, for one below 256
 * - pack(entry, column), usable(): as in struct gf_kernels
 * `forward`, `sub` and `onto` below are literals: each function becomes a loop without branches. */
#include <stdalign.h>

#define GF_KERNEL static GF_TARGET
#define GF_STRETCH 512 /* bytes of a row to take through one level before the next */
#define GF_EACH(o, n)                                                                              \
    for (size_t unit = 0; unit < (n); unit += GF_UNIT)                                             \
        for (size_t o = unit; o < unit + GF_UNIT / 2; o += GF_STEP)

GF_FN vec multiply_vec(vec s, const constant *c, vec v, bool sub)
{
    return sub ? multiply_sub(s, c, v) : multiply_any(s, c, v);
}

GF_FN void put(uint8_t *p, vec v, bool onto)
{
    vec_store(p, onto ? vec_add(v, vec_load(p)) : v);
}

GF_FN void butterfly(vec *x, vec *y, const constant *c, bool forward, bool sub)
{
    if (!forward)
        *y = vec_add(*y, *x);
    *x = multiply_vec(*x, c, *y, sub);
    if (forward)
        *y = vec_add(*y, *x);
}

/* One level. */
GF_FN void radix2(uint8_t *dx, uint8_t *dy, const uint8_t *sx, const uint8_t *sy, size_t n,
                  const uint8_t *entry, bool forward, bool sub, bool onto)
{
    const constant c = constant_load(entry, sub);

    GF_EACH(o, n)
    {
        vec x = vec_load(sx + o), y = vec_load(sy + o);

        butterfly(&x, &y, &c, forward, sub);
        put(dx + o, x, onto);
        put(dy + o, y, onto);
    }
}

/* Two levels in registers. */
GF_FN void radix4_fused(uint8_t *dst, const uint8_t *const src[4], size_t quarter,
                        const struct gf_twiddles *tw, bool forward, bool sub, bool onto)
{
    const constant a = constant_load(tw->a, sub), b = constant_load(tw->b, sub),
                   c = constant_load(tw->c, sub);
    const uint8_t *s0 = src[0], *s1 = src[1], *s2 = src[2], *s3 = src[3];
    uint8_t *d1 = dst + quarter, *d2 = d1 + quarter, *d3 = d2 + quarter;

    GF_EACH(o, quarter)
    {
        vec x0 = vec_load(s0 + o), x1 = vec_load(s1 + o), x2 = vec_load(s2 + o),
            x3 = vec_load(s3 + o);

        if (forward) {
            butterfly(&x0, &x2, &c, true, sub);
            butterfly(&x1, &x3, &c, true, sub);
        }
        butterfly(&x0, &x1, &a, forward, sub);
        butterfly(&x2, &x3, &b, forward, sub);
        if (!forward) {
            butterfly(&x0, &x2, &c, false, sub);
            butterfly(&x1, &x3, &c, false, sub);
        }
        put(dst + o, x0, onto);
        put(d1 + o, x1, onto);
        put(d2 + o, x2, onto);
        put(d3 + o, x3, onto);
    }
}

/* Two levels one after the other, so that one constant at a time has the registers. */
GF_FN void radix4_apart(uint8_t *dst, const uint8_t *const src[4], size_t quarter,
                        const struct gf_twiddles *tw, bool forward, bool onto)
{
    alignas(64) uint8_t t[4][GF_STRETCH];

    for (size_t at = 0; at < quarter; at += GF_STRETCH, dst += GF_STRETCH) {
        size_t n = quarter - at < GF_STRETCH ? quarter - at : GF_STRETCH;
        uint8_t *d1 = dst + quarter, *d2 = d1 + quarter, *d3 = d2 + quarter;

        if (forward) {
            radix2(t[0], t[2], src[0] + at, src[2] + at, n, tw->c, true, false, false);
            radix2(t[1], t[3], src[1] + at, src[3] + at, n, tw->c, true, false, false);
            radix2(dst, d1, t[0], t[1], n, tw->a, true, false, onto);
            radix2(d2, d3, t[2], t[3], n, tw->b, true, false, onto);
        } else {
            radix2(t[0], t[1], src[0] + at, src[1] + at, n, tw->a, false, false, false);
            radix2(t[2], t[3], src[2] + at, src[3] + at, n, tw->b, false, false, false);
            radix2(dst, d2, t[0], t[2], n, tw->c, false, false, onto);
            radix2(d1, d3, t[1], t[3], n, tw->c, false, false, onto);
        }
    }
}

GF_FN void radix4(uint8_t *dst, const uint8_t *const src[4], size_t quarter,
                  const struct gf_twiddles *tw, bool forward, bool onto)
{
    if (tw->sub)
        radix4_fused(dst, src, quarter, tw, forward, true, onto);
    else if (GF_FUSE)
        radix4_fused(dst, src, quarter, tw, forward, false, onto);
    else
        radix4_apart(dst, src, quarter, tw, forward, onto);
}

GF_KERNEL void inverse4(uint8_t *dst, const uint8_t *const src[4], size_t quarter,
                        const struct gf_twiddles *tw)
{
    radix4(dst, src, quarter, tw, false, false);
}

GF_KERNEL void inverse4_onto(uint8_t *dst, const uint8_t *const src[4], size_t quarter,
                             const struct gf_twiddles *tw)
{
    radix4(dst, src, quarter, tw, false, true);
}

GF_KERNEL void forward4(uint8_t *dst, const uint8_t *src, size_t quarter,
                        const struct gf_twiddles *tw)
{
    const uint8_t *const four[4] = {src, src + quarter, src + 2 * quarter, src + 3 * quarter};

    radix4(dst, four, quarter, tw, true, false);
}

GF_KERNEL void inverse2(uint8_t *rows, size_t half, const uint8_t *entry, bool sub)
{
    if (sub)
        radix2(rows, rows + half, rows, rows + half, half, entry, false, true, false);
    else
        radix2(rows, rows + half, rows, rows + half, half, entry, false, false, false);
}

GF_KERNEL void forward2(uint8_t *dst, const uint8_t *src, size_t half, const uint8_t *entry,
                        bool sub)
{
    if (sub)
        radix2(dst, dst + half, src, src + half, half, entry, true, true, false);
    else
        radix2(dst, dst + half, src, src + half, half, entry, true, false, false);
}

GF_KERNEL void add(uint8_t *dst, const uint8_t *src, size_t n)
{
    GF_EACH(o, n) put(dst + o, vec_load(src + o), true);
}

GF_KERNEL void multiply(uint8_t *dst, const uint8_t *src, size_t n, const uint8_t *entry)
{
    const constant c = constant_load(entry, false);

    GF_EACH(o, n) vec_store(dst + o, multiply_any(vec_zero(), &c, vec_load(src + o)));
}

GF_FN void multiply_onto(uint8_t *dst, const uint8_t *src, size_t n, const uint8_t *entry, bool sub)
{
    const constant c = constant_load(entry, sub);

    GF_EACH(o, n) vec_store(dst + o, multiply_vec(vec_load(dst + o), &c, vec_load(src + o), sub));
}

GF_KERNEL void multiply_add(uint8_t *dst, const uint8_t *src, size_t n, const uint8_t *entry,
                            bool sub)
{
    if (sub)
        multiply_onto(dst, src, n, entry, true);
    else
        multiply_onto(dst, src, n, entry, false);
}

const struct gf_kernels GF_KERNELS = {
    .name = GF_NAME,
    .usable = usable,
    .entry = GF_ENTRY,
    .pack = pack,
    .inverse4 = inverse4,
    .inverse4_onto = inverse4_onto,
    .forward4 = forward4,
    .inverse2 = inverse2,
    .forward2 = forward2,
    .add = add,
    .multiply = multiply,
    .multiply_add = multiply_add,
};
