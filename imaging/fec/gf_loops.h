/* The loops of one instruction set's kernels, written once and compiled by each gf_*.c around its own vectors.
 * No include guard: this is a template. The including file has defined
 *
 *   GF_TARGET        the attribute that lets the compiler use the instruction set; GF_FN that plus "always inline"
 *   vec              elements in registers;  GF_STEP: bytes from one vec's low bytes to the next's inside a unit
 *   full, half       a constant in registers: any constant, and one below 256
 *   vec_load(p), vec_store(p, v), vec_add(u, v)
 *   full_load(entry), half_load(entry)
 *   full_add(s, c, v), half_add(s, c, v)      s + c v
 *   pack(entry, column), usable()             as in struct gf_kernels
 *   GF_ENTRY         bytes of an entry */

#define GF_EACH(o, n)                                                                                                  \
    for (size_t unit = 0; unit < (n); unit += GF_UNIT)                                                                 \
        for (size_t o = unit; o < unit + GF_UNIT / 2; o += GF_STEP)

#define GF_KERNEL static GF_TARGET

/* y += x, then x += c y: one inverse butterfly. Forward is the same backwards. */
#define GF_INVERSE(kind, x, y, c) ((y) = vec_add(y, x), (x) = kind##_add(x, c, y))
#define GF_FORWARD(kind, x, y, c) ((x) = kind##_add(x, c, y), (y) = vec_add(y, x))

#define GF_DEFINE_BUTTERFLIES(kind)                                                                                    \
    GF_FN void inverse4_##kind(uint8_t *dst, const uint8_t *const src[4], size_t quarter,                          \
                                   const struct gf_twiddles *tw, bool add)                                             \
    {                                                                                                                  \
        const kind a = kind##_load(tw->a), b = kind##_load(tw->b), c = kind##_load(tw->c);                             \
        const uint8_t *s0 = src[0], *s1 = src[1], *s2 = src[2], *s3 = src[3];                                          \
        uint8_t *d1 = dst + quarter, *d2 = d1 + quarter, *d3 = d2 + quarter;                                           \
                                                                                                                       \
        GF_EACH(o, quarter) {                                                                                          \
            vec x0 = vec_load(s0 + o), x1 = vec_load(s1 + o), x2 = vec_load(s2 + o), x3 = vec_load(s3 + o);            \
            GF_INVERSE(kind, x0, x1, a);                                                                               \
            GF_INVERSE(kind, x2, x3, b);                                                                               \
            GF_INVERSE(kind, x0, x2, c);                                                                               \
            GF_INVERSE(kind, x1, x3, c);                                                                               \
            vec_store(dst + o, add ? vec_add(x0, vec_load(dst + o)) : x0);                                             \
            vec_store(d1 + o, add ? vec_add(x1, vec_load(d1 + o)) : x1);                                               \
            vec_store(d2 + o, add ? vec_add(x2, vec_load(d2 + o)) : x2);                                               \
            vec_store(d3 + o, add ? vec_add(x3, vec_load(d3 + o)) : x3);                                               \
        }                                                                                                              \
    }                                                                                                                  \
    GF_FN void forward4_##kind(uint8_t *dst, const uint8_t *src, size_t quarter, const struct gf_twiddles *tw)     \
    {                                                                                                                  \
        const kind a = kind##_load(tw->a), b = kind##_load(tw->b), c = kind##_load(tw->c);                             \
        const uint8_t *s1 = src + quarter, *s2 = s1 + quarter, *s3 = s2 + quarter;                                     \
        uint8_t *d1 = dst + quarter, *d2 = d1 + quarter, *d3 = d2 + quarter;                                           \
                                                                                                                       \
        GF_EACH(o, quarter) {                                                                                          \
            vec x0 = vec_load(src + o), x1 = vec_load(s1 + o), x2 = vec_load(s2 + o), x3 = vec_load(s3 + o);           \
            GF_FORWARD(kind, x0, x2, c);                                                                               \
            GF_FORWARD(kind, x1, x3, c);                                                                               \
            GF_FORWARD(kind, x0, x1, a);                                                                               \
            GF_FORWARD(kind, x2, x3, b);                                                                               \
            vec_store(dst + o, x0);                                                                                    \
            vec_store(d1 + o, x1);                                                                                     \
            vec_store(d2 + o, x2);                                                                                     \
            vec_store(d3 + o, x3);                                                                                     \
        }                                                                                                              \
    }                                                                                                                  \
    GF_FN void inverse2_##kind(uint8_t *dst, const uint8_t *src, size_t half_bytes, const uint8_t *entry)          \
    {                                                                                                                  \
        const kind c = kind##_load(entry);                                                                             \
                                                                                                                       \
        GF_EACH(o, half_bytes) {                                                                                       \
            vec x = vec_load(src + o), y = vec_load(src + half_bytes + o);                                             \
            GF_INVERSE(kind, x, y, c);                                                                                 \
            vec_store(dst + o, x);                                                                                     \
            vec_store(dst + half_bytes + o, y);                                                                        \
        }                                                                                                              \
    }                                                                                                                  \
    GF_FN void forward2_##kind(uint8_t *dst, const uint8_t *src, size_t half_bytes, const uint8_t *entry)          \
    {                                                                                                                  \
        const kind c = kind##_load(entry);                                                                             \
                                                                                                                       \
        GF_EACH(o, half_bytes) {                                                                                       \
            vec x = vec_load(src + o), y = vec_load(src + half_bytes + o);                                             \
            GF_FORWARD(kind, x, y, c);                                                                                 \
            vec_store(dst + o, x);                                                                                     \
            vec_store(dst + half_bytes + o, y);                                                                        \
        }                                                                                                              \
    }                                                                                                                  \
    GF_FN void multiply_add_##kind(uint8_t *dst, const uint8_t *src, size_t n, const uint8_t *entry)               \
    {                                                                                                                  \
        const kind c = kind##_load(entry);                                                                             \
                                                                                                                       \
        GF_EACH(o, n) vec_store(dst + o, kind##_add(vec_load(dst + o), c, vec_load(src + o)));                         \
    }

GF_DEFINE_BUTTERFLIES(full)
GF_DEFINE_BUTTERFLIES(half)

GF_KERNEL void inverse4(uint8_t *dst, const uint8_t *const src[4], size_t quarter, const struct gf_twiddles *tw)
{
    if (tw->sub)
        inverse4_half(dst, src, quarter, tw, false);
    else
        inverse4_full(dst, src, quarter, tw, false);
}

GF_KERNEL void inverse4_add(uint8_t *dst, const uint8_t *const src[4], size_t quarter, const struct gf_twiddles *tw)
{
    if (tw->sub)
        inverse4_half(dst, src, quarter, tw, true);
    else
        inverse4_full(dst, src, quarter, tw, true);
}

GF_KERNEL void forward4(uint8_t *dst, const uint8_t *src, size_t quarter, const struct gf_twiddles *tw)
{
    if (tw->sub)
        forward4_half(dst, src, quarter, tw);
    else
        forward4_full(dst, src, quarter, tw);
}

GF_KERNEL void inverse2(uint8_t *dst, const uint8_t *src, size_t half_bytes, const uint8_t *entry, bool sub)
{
    if (sub)
        inverse2_half(dst, src, half_bytes, entry);
    else
        inverse2_full(dst, src, half_bytes, entry);
}

GF_KERNEL void forward2(uint8_t *dst, const uint8_t *src, size_t half_bytes, const uint8_t *entry, bool sub)
{
    if (sub)
        forward2_half(dst, src, half_bytes, entry);
    else
        forward2_full(dst, src, half_bytes, entry);
}

GF_KERNEL void add(uint8_t *dst, const uint8_t *src, size_t n)
{
    GF_EACH(o, n) vec_store(dst + o, vec_add(vec_load(dst + o), vec_load(src + o)));
}

GF_KERNEL void multiply(uint8_t *dst, const uint8_t *src, size_t n, const uint8_t *entry)
{
    const full c = full_load(entry);

    GF_EACH(o, n) vec_store(dst + o, full_add(vec_zero(), c, vec_load(src + o)));
}

GF_KERNEL void multiply_add(uint8_t *dst, const uint8_t *src, size_t n, const uint8_t *entry, bool sub)
{
    if (sub)
        multiply_add_half(dst, src, n, entry);
    else
        multiply_add_full(dst, src, n, entry);
}

const struct gf_kernels GF_KERNELS = {
    .name = GF_NAME,
    .usable = usable,
    .entry = GF_ENTRY,
    .pack = pack,
    .inverse4 = inverse4,
    .inverse4_add = inverse4_add,
    .forward4 = forward4,
    .inverse2 = inverse2,
    .forward2 = forward2,
    .add = add,
    .multiply = multiply,
    .multiply_add = multiply_add,
};
