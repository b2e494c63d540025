/* The loops of one instruction set's kernels, written once and compiled by each gf_*.c around its own vectors.
 * No include guard: this is a template. The including file has defined
 *
 *   GF_NAME, GF_KERNELS   the instruction set's name, and that of its struct gf_kernels
 *   GF_TARGET, GF_FN      the attribute that lets the compiler use it; that and "always inline"
 *   GF_ENTRY              bytes of an entry
 *   GF_STEP               bytes from one vec's low bytes to the next's inside a unit
 *   GF_FUSE               whether the three constants of a radix-4 butterfly fit the registers together
 *   vec                   elements in registers;    constant    an entry in registers
 *   vec_zero(), vec_load(p), vec_store(p, v), vec_add(u, v)
 *   constant_load(entry, sub)                           if sub, only what multiply_sub needs
 *   multiply_any(s, c, v), multiply_sub(s, c, v)        s + c v for any constant, and for one below 256
 *   pack(entry, column), usable()                       as in struct gf_kernels
 *
 * `sub` and `onto` below are always literals, so each function becomes one loop without branches. */

#define GF_KERNEL static GF_TARGET
#define GF_EACH(o, n)                                                                                                  \
    for (size_t unit = 0; unit < (n); unit += GF_UNIT)                                                                 \
        for (size_t o = unit; o < unit + GF_UNIT / 2; o += GF_STEP)

enum { GF_STRETCH = 512 }; /* bytes of a row to take through one level before the next */

GF_FN vec multiply_vec(vec s, const constant *c, vec v, bool sub)
{
    return sub ? multiply_sub(s, c, v) : multiply_any(s, c, v);
}

GF_FN void inverse(vec *x, vec *y, const constant *c, bool sub)
{
    *y = vec_add(*y, *x);
    *x = multiply_vec(*x, c, *y, sub);
}

GF_FN void forward(vec *x, vec *y, const constant *c, bool sub)
{
    *x = multiply_vec(*x, c, *y, sub);
    *y = vec_add(*y, *x);
}

GF_FN void put(uint8_t *p, vec v, bool onto)
{
    vec_store(p, onto ? vec_add(v, vec_load(p)) : v);
}

GF_FN void inverse_rows(uint8_t *dx, uint8_t *dy, const uint8_t *sx, const uint8_t *sy, size_t n, const uint8_t *entry, bool sub,
                        bool onto)
{
    const constant c = constant_load(entry, sub);

    GF_EACH(o, n)
    {
        vec x = vec_load(sx + o), y = vec_load(sy + o);

        inverse(&x, &y, &c, sub);
        put(dx + o, x, onto);
        put(dy + o, y, onto);
    }
}

GF_FN void forward_rows(uint8_t *dx, uint8_t *dy, const uint8_t *sx, const uint8_t *sy, size_t n, const uint8_t *entry, bool sub)
{
    const constant c = constant_load(entry, sub);

    GF_EACH(o, n)
    {
        vec x = vec_load(sx + o), y = vec_load(sy + o);

        forward(&x, &y, &c, sub);
        vec_store(dx + o, x);
        vec_store(dy + o, y);
    }
}

/* Both levels of a radix-4 butterfly in registers. */
GF_FN void inverse4_fused(uint8_t *dst, const uint8_t *const src[4], size_t quarter, const struct gf_twiddles *tw,
                          bool sub, bool onto)
{
    const constant a = constant_load(tw->a, sub), b = constant_load(tw->b, sub), c = constant_load(tw->c, sub);
    const uint8_t *s0 = src[0], *s1 = src[1], *s2 = src[2], *s3 = src[3];
    uint8_t *d1 = dst + quarter, *d2 = d1 + quarter, *d3 = d2 + quarter;

    GF_EACH(o, quarter)
    {
        vec x0 = vec_load(s0 + o), x1 = vec_load(s1 + o), x2 = vec_load(s2 + o), x3 = vec_load(s3 + o);

        inverse(&x0, &x1, &a, sub);
        inverse(&x2, &x3, &b, sub);
        inverse(&x0, &x2, &c, sub);
        inverse(&x1, &x3, &c, sub);
        put(dst + o, x0, onto);
        put(d1 + o, x1, onto);
        put(d2 + o, x2, onto);
        put(d3 + o, x3, onto);
    }
}

GF_FN void forward4_fused(uint8_t *dst, const uint8_t *src, size_t quarter, const struct gf_twiddles *tw, bool sub)
{
    const constant a = constant_load(tw->a, sub), b = constant_load(tw->b, sub), c = constant_load(tw->c, sub);
    const uint8_t *s1 = src + quarter, *s2 = s1 + quarter, *s3 = s2 + quarter;
    uint8_t *d1 = dst + quarter, *d2 = d1 + quarter, *d3 = d2 + quarter;

    GF_EACH(o, quarter)
    {
        vec x0 = vec_load(src + o), x1 = vec_load(s1 + o), x2 = vec_load(s2 + o), x3 = vec_load(s3 + o);

        forward(&x0, &x2, &c, sub);
        forward(&x1, &x3, &c, sub);
        forward(&x0, &x1, &a, sub);
        forward(&x2, &x3, &b, sub);
        vec_store(dst + o, x0);
        vec_store(d1 + o, x1);
        vec_store(d2 + o, x2);
        vec_store(d3 + o, x3);
    }
}

/* One level after the other, a stretch at a time, so that one constant at a time keeps its registers. */
GF_FN void inverse4_levels(uint8_t *dst, const uint8_t *const src[4], size_t quarter, const struct gf_twiddles *tw,
                           bool onto)
{
    alignas(64) uint8_t t[4][GF_STRETCH];

    for (size_t at = 0; at < quarter; at += GF_STRETCH, dst += GF_STRETCH) {
        size_t n = quarter - at < GF_STRETCH ? quarter - at : GF_STRETCH;
        uint8_t *d1 = dst + quarter, *d2 = d1 + quarter, *d3 = d2 + quarter;

        inverse_rows(t[0], t[1], src[0] + at, src[1] + at, n, tw->a, false, false);
        inverse_rows(t[2], t[3], src[2] + at, src[3] + at, n, tw->b, false, false);
        inverse_rows(dst, d2, t[0], t[2], n, tw->c, false, onto);
        inverse_rows(d1, d3, t[1], t[3], n, tw->c, false, onto);
    }
}

GF_FN void forward4_levels(uint8_t *dst, const uint8_t *src, size_t quarter, const struct gf_twiddles *tw)
{
    alignas(64) uint8_t t[4][GF_STRETCH];

    for (size_t at = 0; at < quarter; at += GF_STRETCH, dst += GF_STRETCH, src += GF_STRETCH) {
        size_t n = quarter - at < GF_STRETCH ? quarter - at : GF_STRETCH;
        const uint8_t *s1 = src + quarter, *s2 = s1 + quarter, *s3 = s2 + quarter;
        uint8_t *d1 = dst + quarter, *d2 = d1 + quarter, *d3 = d2 + quarter;

        forward_rows(t[0], t[2], src, s2, n, tw->c, false);
        forward_rows(t[1], t[3], s1, s3, n, tw->c, false);
        forward_rows(dst, d1, t[0], t[1], n, tw->a, false);
        forward_rows(d2, d3, t[2], t[3], n, tw->b, false);
    }
}

GF_FN void inverse4_any(uint8_t *dst, const uint8_t *const src[4], size_t quarter, const struct gf_twiddles *tw,
                        bool onto)
{
    if (tw->sub)
        inverse4_fused(dst, src, quarter, tw, true, onto);
    else if (GF_FUSE)
        inverse4_fused(dst, src, quarter, tw, false, onto);
    else
        inverse4_levels(dst, src, quarter, tw, onto);
}

GF_KERNEL void inverse4(uint8_t *dst, const uint8_t *const src[4], size_t quarter, const struct gf_twiddles *tw)
{
    inverse4_any(dst, src, quarter, tw, false);
}

GF_KERNEL void inverse4_onto(uint8_t *dst, const uint8_t *const src[4], size_t quarter, const struct gf_twiddles *tw)
{
    inverse4_any(dst, src, quarter, tw, true);
}

GF_KERNEL void forward4(uint8_t *dst, const uint8_t *src, size_t quarter, const struct gf_twiddles *tw)
{
    if (tw->sub)
        forward4_fused(dst, src, quarter, tw, true);
    else if (GF_FUSE)
        forward4_fused(dst, src, quarter, tw, false);
    else
        forward4_levels(dst, src, quarter, tw);
}

GF_KERNEL void inverse2(uint8_t *rows, size_t half, const uint8_t *entry, bool sub)
{
    if (sub)
        inverse_rows(rows, rows + half, rows, rows + half, half, entry, true, false);
    else
        inverse_rows(rows, rows + half, rows, rows + half, half, entry, false, false);
}

GF_KERNEL void forward2(uint8_t *dst, const uint8_t *src, size_t half, const uint8_t *entry, bool sub)
{
    if (sub)
        forward_rows(dst, dst + half, src, src + half, half, entry, true);
    else
        forward_rows(dst, dst + half, src, src + half, half, entry, false);
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

GF_FN void multiply_rows(uint8_t *dst, const uint8_t *src, size_t n, const uint8_t *entry, bool sub)
{
    const constant c = constant_load(entry, sub);

    GF_EACH(o, n) vec_store(dst + o, multiply_vec(vec_load(dst + o), &c, vec_load(src + o), sub));
}

GF_KERNEL void multiply_add(uint8_t *dst, const uint8_t *src, size_t n, const uint8_t *entry, bool sub)
{
    if (sub)
        multiply_rows(dst, src, n, entry, true);
    else
        multiply_rows(dst, src, n, entry, false);
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
