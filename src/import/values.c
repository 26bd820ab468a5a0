/* Stored values to floats: exactly, or not at all. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "import/source.h"

size_t lks_import_value_bytes(lks_import_type type) {
    static const size_t sizes[] = {[LKS_IMPORT_OTHER] = 0,
                                   [LKS_IMPORT_F16] = 2,
                                   [LKS_IMPORT_BF16] = 2,
                                   [LKS_IMPORT_F32] = 4,
                                   [LKS_IMPORT_F64] = 8};
    return sizes[type];
}

/* The bits of a value of `size` bytes, whatever the machine's order. */
static uint64_t bits_of(const unsigned char *bytes, size_t size, bool big_endian) {
    uint64_t bits = 0;
    for (size_t k = 0; k < size; k++)
        bits |= (uint64_t)bytes[k] << 8 * (big_endian ? size - 1 - k : k);
    return bits;
}

static float float_of(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* IEEE 754 binary16: sign, 5 bits of exponent, 10 of fraction. Each value is a float32. */
static float from_half(uint32_t half) {
    const uint32_t sign = half >> 15 << 31, exponent = half >> 10 & 31, fraction = half & 1023;
    if (exponent == 31)
        return float_of(sign | 0x7f800000u | fraction << 13);
    if (exponent > 0)
        return float_of(sign | (exponent + 112) << 23 | fraction << 13);
    const float x = (float)fraction * 0x1p-24f; /* 0 or subnormal */
    return sign ? -x : x;
}

static double convert(lks_import_type type, uint64_t bits) {
    double x;
    switch (type) {
    case LKS_IMPORT_F16:
        return (double)from_half((uint32_t)bits);
    case LKS_IMPORT_BF16:
        return (double)float_of((uint32_t)bits << 16);
    case LKS_IMPORT_F32:
        return (double)float_of((uint32_t)bits);
    default:
        memcpy(&x, &bits, sizeof x);
        return x;
    }
}

/* Where element i of a column-major array stands row-major. */
static size_t row_major(const lks_import_tensor *t, size_t i) {
    size_t place = 0, step = 1, rest = i;
    size_t index[LKS_IMPORT_DIMENSIONS];
    for (int d = 0; d < t->ndim; d++) {
        index[d] = rest % (size_t)t->shape[d];
        rest /= (size_t)t->shape[d];
    }
    for (int d = t->ndim; d-- > 0; step *= (size_t)t->shape[d])
        place += index[d] * step;
    return place;
}

static lks_status convert_all(const lks_import_source *s, const lks_import_tensor *t,
                              const unsigned char *bytes, float *values, lks_error *err) {
    const size_t size = lks_import_value_bytes(t->type);
    for (size_t i = 0; i < t->count; i++) {
        const double x = convert(t->type, bits_of(bytes + i * size, size, t->big_endian));
        const float value = (float)x;
        if (!isfinite(x))
            return lks_fail(err, LKS_ERR_NUMERIC,
                            "%s: value %zu of '%.128s' is %g: such a network has no answers",
                            s->path, i, t->name, x);
        if ((double)value != x)
            return lks_fail(err, LKS_ERR_NUMERIC,
                            "%s: value %zu of '%.128s' is %.17g, a float64 that no float32 is "
                            "equal to; write the file with float32",
                            s->path, i, t->name, x);
        values[t->column_major ? row_major(t, i) : i] = value;
    }
    return LKS_OK;
}

lks_status lks_import_values(const lks_import_source *s, int i, float *values, lks_error *err) {
    const lks_import_tensor *t = &s->tensors[i];
    const size_t size = lks_import_value_bytes(t->type);
    unsigned char *bytes = lks_alloc(t->count, size, "a tensor", err);
    if (!bytes)
        return err->status;
    lks_status status = s->reader->fetch(s, i, bytes, err);
    if (status == LKS_OK)
        status = convert_all(s, t, bytes, values, err);
    lks_free(bytes);
    return status;
}
