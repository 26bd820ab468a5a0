/* Files of other programs: types of values, what is damaged or made to do harm, and which tensor becomes which. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/network.h"
#include "import/npy.h"
#include "support/test.h"

static lks_error err;

/* --- files ------------------------------------------------------------------------------------ */

/* A safetensors file of that header and body; freed with free(). */
static unsigned char *file_of(const char *header, const void *body, size_t n, size_t *size) {
    const size_t length = strlen(header);
    unsigned char *bytes = calloc(8 + length + n + 1, 1);
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)((uint64_t)length >> 8 * i);
    memcpy(bytes + 8, header, length);
    if (n)
        memcpy(bytes + 8 + length, body, n);
    *size = 8 + length + n;
    return bytes;
}

/* Opens, and reads all values into `values`. */
static lks_status read_values(const char *header, const void *body, size_t n, float *values) {
    size_t size;
    unsigned char *bytes = file_of(header, body, n, &size);
    lks_import_source s;
    lks_status status = lks_import_open(&s, "x.safetensors", bytes, size, &err);
    for (int i = 0; i < s.n_tensors && status == LKS_OK; i++)
        if (s.tensors[i].type != LKS_IMPORT_OTHER) {
            status = lks_import_values(&s, i, values, &err);
            values += s.tensors[i].count;
        }
    lks_import_close(&s);
    free(bytes);
    return status;
}

/* --- values ----------------------------------------------------------------------------------- */

/* IEEE 754-2008, 3.4: 11 bits of significand with the hidden one, bias 15. */
static double half(unsigned bits) {
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    const double x = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
    return bits >> 15 ? -x : x;
}

static void test_halves(void) {
    enum { N = 31 * 1024 * 2 };
    static uint16_t bits[N];
    static float values[N];
    int n = 0;
    for (unsigned b = 0; b < 65536; b++)
        if ((b >> 10 & 31) != 31)
            bits[n++] = (uint16_t)b;
    CU_ASSERT_EQUAL_FATAL(n, N);
    CU_ASSERT_EQUAL_FATAL(
        read_values("{\"a\":{\"dtype\":\"F16\",\"shape\":[63488],\"data_offsets\":[0,126976]}}",
                    bits, sizeof bits, values),
        LKS_OK);
    int wrong = 0;
    for (int i = 0; i < N; i++)
        wrong += (double)values[i] != half(bits[i]) || !signbit(values[i]) != !(bits[i] >> 15);
    CU_ASSERT_EQUAL(wrong, 0);
}

static void test_types(void) {
    static const char brain[] = "{\"a\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[0,4]}}";
    static const char twice[] =
        "{\"a\":{\"dtype\":\"F64\",\"shape\":[1,1],\"data_offsets\":[0,8]}}";
    static const char once[] = "{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}";
    float x[2];
    CU_ASSERT_EQUAL(read_values(brain, "\x80\x3f\x49\xc0", 4, x), LKS_OK);
    CU_ASSERT_EQUAL(x[0], 1.0f);
    CU_ASSERT_EQUAL(x[1], -3.140625f);
    CU_ASSERT_EQUAL(read_values(twice, "\0\0\0\0\0\0\xf8\x3f", 8, x), LKS_OK);
    CU_ASSERT_EQUAL(x[0], 1.5f);
    CU_ASSERT_EQUAL(read_values(twice, "\1\0\0\0\0\0\xf8\x3f", 8, x),
                    LKS_ERR_NUMERIC); /* 1.5 + 2^-52 */
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "no float32"));
    CU_ASSERT_EQUAL(read_values(twice, "\0\0\0\0\0\0\0\x7e", 8, x),
                    LKS_ERR_NUMERIC); /* too large */
    CU_ASSERT_EQUAL(read_values(twice, "\0\0\0\0\0\0\xf0\x7f", 8, x),
                    LKS_ERR_NUMERIC); /* infinite */
    CU_ASSERT_EQUAL(read_values(once, "\0\0\x20\xc1", 4, x), LKS_OK);
    CU_ASSERT_EQUAL(x[0], -10.0f);
    CU_ASSERT_EQUAL(read_values(once, "\0\0\xc0\x7f", 4, x), LKS_ERR_NUMERIC); /* NaN */
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "value 0 of 'a' is nan"));
}

/* --- safetensors ------------------------------------------------------------------------------ */

#define A(shape, from, to)                                                                         \
    "\"a\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[" from "," to "]}"
#define B(shape, from, to)                                                                         \
    "\"b\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[" from "," to "]}"

static void test_headers(void) {
    static const char *const good[] = {
        "{" A("[2]", "0", "8") "}", "{" B("[1]", "4", "8") "," A("[1]", "0", "4") "}  ",
        "{" A("[2]", "0", "8") "," B("[0,7]", "8", "8") "}",
        "{\"__metadata__\":{\"k\":\"v\\n\"}," A("[1,2,1]", "0", "8") "}"};
    static const struct {
        const char *header, *why;
    } bad[] = {
        {"{}", "end at byte 0"},
        {"{" A("[2]", "0", "8"), "byte"},
        {"{" A("[2]", "0", "8") "} x", "byte"},
        {"{" A("[3]", "0", "8") "}", "does not fill"},
        {"{" A("[2]", "8", "0") "}", "does not fill"},
        {"{" A("[4]", "0", "16") "}", "does not have"},
        {"{" A("[1]", "4", "8") "}", "begins at byte 4"},
        {"{" A("[1]", "0", "4") "}", "end at byte 4 of 8"},
        {"{" A("[2]", "0", "8") "," B("[1]", "4", "8") "}", "begins at byte 4"},
        {"{" A("[1]", "0", "4") "," A("[1]", "4", "8") "}", "called 'a'"},
        {"{" A("[4294967296,4294967296]", "0", "8") "}", "shape that nothing"},
        {"{" A("[18446744073709551615]", "0", "8") "}", "byte"},
        {"{" A("[-2]", "0", "8") "}", "byte"},
        {"{" A("[2.0]", "0", "8") "}", "byte"},
        {"{" A("[1,1,1,1,1,1,1,1,2]", "0", "8") "}", "byte"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", "byte"},
        {"{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
         "byte"},
        {"{\"\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", "name of 0 bytes"},
        {"{\"__metadata__\":[]," A("[2]", "0", "8") "}", "no JSON"}};
    float values[2];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CU_ASSERT_EQUAL(read_values(good[i], "\0\0\0\0\0\0\0\0", 8, values), LKS_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CU_ASSERT_EQUAL(read_values(bad[i].header, "\0\0\0\0\0\0\0\0", 8, values), LKS_ERR_FORMAT);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, bad[i].why));
    }
}

/* The length of the header, which stands first, may be anything. */
static void test_lengths(void) {
    size_t size;
    unsigned char *bytes = file_of("{" A("[2]", "0", "8") "}", "\0\0\0\0\0\0\0\0", 8, &size);
    lks_import_source s;
    for (size_t cut = 0; cut < size; cut++) {
        CU_ASSERT_EQUAL(lks_import_open(&s, "x", bytes, cut, &err), LKS_ERR_FORMAT);
        lks_import_close(&s);
    }
    for (int i = 1; i < 8; i++) {
        bytes[i] = 0xff;
        CU_ASSERT_EQUAL(lks_import_open(&s, "x", bytes, size, &err), LKS_ERR_FORMAT);
        lks_import_close(&s);
        bytes[i] = 0;
    }
    free(bytes);
}

/* --- npy -------------------------------------------------------------------------------------- */

static const char *head_of(lks_npy_head *head, int version, const char *dict) {
    unsigned char bytes[512] = "\x93NUMPY";
    const size_t n = strlen(dict), begin = version == 1 ? 10 : 12;
    bytes[6] = (unsigned char)version;
    bytes[8] = (unsigned char)n;
    memcpy(bytes + begin, dict, n);
    unsigned char *exact = malloc(begin + n);
    memcpy(exact, bytes, begin + n);
    const char *why = lks_npy_head_read(head, exact, begin + n);
    free(exact);
    return why;
}

static void test_heads(void) {
    static const char *const bad[] = {
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': 'O', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }",
        "{'descr': '<f16', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': '', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1 2), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': __import__('os').system('x'), }",
        "{'descr': '<f4', 'shape': (1,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), } x",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,), }",
        "{",
        ""};
    lks_npy_head h;
    CU_ASSERT_PTR_NULL(
        head_of(&h, 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }  \n"));
    CU_ASSERT_EQUAL(h.bytes, 10 + 62);
    CU_ASSERT_EQUAL(h.t.type, LKS_IMPORT_F32);
    CU_ASSERT(h.t.ndim == 2 && h.t.shape[0] == 3 && h.t.shape[1] == 4);
    CU_ASSERT_PTR_NULL(head_of(&h, 2, "{'fortran_order': True, \"shape\": (), 'descr': '>f8'}"));
    CU_ASSERT(h.t.type == LKS_IMPORT_F64 && h.t.big_endian && h.t.column_major && h.t.ndim == 0);
    CU_ASSERT_PTR_NULL(head_of(&h, 3, "{'descr': '<i8', 'fortran_order': False, 'shape': (7,)}"));
    CU_ASSERT_EQUAL(h.t.type, LKS_IMPORT_OTHER);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CU_ASSERT_PTR_NOT_NULL(head_of(&h, 1, bad[i]));
    CU_ASSERT_PTR_NOT_NULL(
        head_of(&h, 4, "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }"));
}

/* --- which becomes which ---------------------------------------------------------------------- */

/* 2 x 2 images of 3 channels; each layer's tensors have shapes of their own, but for the last two. */
static const char yaml[] = "model:\n  - conv2d: {filters: 4, kernel: [1, 2], name: first}\n"
                           "  - batchnorm: {name: norm}\n  - flatten\n"
                           "  - dense: {units: 5, name: middle}\n"
                           "  - dense: {units: 5, name: last, bias: false}\n";

/* Writes the list of tensors "NAME SHAPE;..." as a safetensors file, whose values count on from 0, and puts them into the
 * network. *n as it is then. */
static lks_status put(lks_import_network *n, lks_config *config, const char *list, const char *map,
                      lks_layout layout) {
    const lks_data_identity data = {
        .classes = 5, .channels = 3, .rows = 2, .columns = 2, .std = {1, 1, 1}};
    char header[4096] = "{", name[64], shape[64];
    float body[256];
    size_t used = 1, floats = 0, size;
    int step;
    for (int i = 0; i < 256; i++)
        body[i] = (float)i;
    for (; sscanf(list, "%63[^ ] %63[^;];%n", name, shape, &step) == 2; list += step) {
        size_t count = 1;
        for (const char *c = shape + 1; *c; c += strcspn(c, ",]") + 1)
            count *= strtoul(c, NULL, 10);
        used +=
            (size_t)snprintf(header + used, sizeof header - used,
                             "%s\"%s\":{\"dtype\":\"F32\",\"shape\":%s,\"data_offsets\":[%zu,%zu]}",
                             used > 1 ? "," : "", name, shape, 4 * floats, 4 * (floats + count));
        floats += count;
    }
    snprintf(header + used, sizeof header - used, "}");
    unsigned char *bytes = file_of(header, body, 4 * floats, &size);
    lks_import_source s;
    lks_import_maps maps = {0};
    CU_ASSERT_EQUAL_FATAL(lks_import_open(&s, "x.safetensors", bytes, size, &err), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(lks_config_parse(config, yaml, strlen(yaml), "net.yaml", NULL, 0, &err),
                          LKS_OK);
    CU_ASSERT_EQUAL_FATAL(lks_import_network_make(n, config, &data, &err), LKS_OK);
    if (map)
        CU_ASSERT_EQUAL_FATAL(lks_import_maps_add(&maps, map, &err), LKS_OK);
    const lks_status status = lks_import_network_take(n, &s, layout, &maps, &err);
    lks_import_maps_free(&maps);
    lks_import_close(&s);
    free(bytes);
    return status;
}

/* The first value of a tensor of the network: where in the file it stood. */
static float first_of(const lks_import_network *n, const char *name) {
    for (int t = 0; t < n->view.n_tensors; t++)
        if (strcmp(n->view.tensors[t].name, name) == 0)
            return n->view.weights[n->view.tensors[t].offset];
    return -1;
}

#define CONV(name) name ".weight [4,3,1,2];" name ".bias [4];"
#define NORM(name)                                                                                 \
    name ".weight [4];" name ".bias [4];" name ".running_mean [4];" name ".running_var [4];"
#define MIDDLE(name) name ".weight [5,8];" name ".bias [5];"
#define LAST(name)   name ".weight [5,5];"

static void expect(const char *list, const char *map, float conv, float norm, float middle,
                   float last) {
    lks_import_network n;
    lks_config config;
    CU_ASSERT_EQUAL(put(&n, &config, list, map, LKS_LAYOUT_TORCH), LKS_OK);
    CU_ASSERT_EQUAL(first_of(&n, "first/weight"), conv);
    CU_ASSERT_EQUAL(first_of(&n, "norm/weight"), norm);
    CU_ASSERT_EQUAL(first_of(&n, "middle/weight"), middle);
    CU_ASSERT_EQUAL(first_of(&n, "last/weight"), last);
    lks_import_network_free(&n);
    lks_config_free(&config);
}

static void test_order(void) {
    /* 24 + 4 values of the convolution, 16 of the norm, 40 + 5 and 25 of the dense layers */
    expect(CONV("c") NORM("b") MIDDLE("m") LAST("l"), NULL, 0, 28, 44, 89);
    /* by name, in any order */
    expect(LAST("last") NORM("norm") MIDDLE("middle") CONV("first"), NULL, 86, 25, 41, 0);
    /* each kind in its own order */
    expect(MIDDLE("m") LAST("l") NORM("b") CONV("c"), NULL, 86, 70, 0, 45);
    /* sorted by name, bias before weight, and 10 before 9: numbers count */
    expect("n.10.weight [5,5];n.2.bias [4];n.2.weight [4,3,1,2];n.3.bias [4];n.3.running_mean [4];"
           "n.3.running_var [4];n.3.weight [4];n.9.bias [5];n.9.weight [5,8];",
           NULL, 29, 65, 74, 0);
    expect(MIDDLE("m") LAST("l") "b.scale [4];b.bias [4];b.mean [4];b.variance [4];" CONV("c"),
           NULL, 86, 70, 0, 45);
    /* names that tell nothing */
    expect("a_0 [4,3,1,2];a_1 [4];a_2 [4];a_3 [4];a_4 [4];a_5 [4];a_6 [5,8];a_7 [5];a_8 [5,5];",
           NULL, 0, 28, 44, 89);
    /* the user's word */
    expect(CONV("c") NORM("b") LAST("l") MIDDLE("m"), "last=l", 0, 28, 69, 44);
    expect(CONV("c") NORM("b") LAST("l") MIDDLE("m"), "last/weight=l.weight", 0, 28, 69, 44);
}

static void refuse(lks_status status, const char *why, const char *list, const char *map) {
    lks_import_network n;
    lks_config config;
    CU_ASSERT_EQUAL(put(&n, &config, list, map, LKS_LAYOUT_TORCH), status);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, why));
    if (!strstr(err.text, why))
        printf("    %s\n", err.text);
    lks_import_network_free(&n);
    lks_config_free(&config);
}

static void test_misfits(void) {
    refuse(LKS_ERR_MISMATCH,
           "first/weight is 4 x 3 x 1 x 2 here, 'c.weight' in x.safetensors is 4 x 3 x 2 x 1",
           "c.weight [4,3,2,1];c.bias [4];" NORM("b") MIDDLE("m") LAST("l"), NULL);
    refuse(LKS_ERR_MISMATCH,
           "middle/weight is 5 x 8 here, 'm.weight' in x.safetensors is 8 x 5; --layout keras "
           "would fit",
           CONV("c") NORM("b") "m.weight [8,5];m.bias [5];" LAST("l"), NULL);
    refuse(LKS_ERR_MISMATCH, "last/weight is missing: x.safetensors has no further dense layer",
           CONV("c") NORM("b") MIDDLE("m"), NULL);
    refuse(LKS_ERR_MISMATCH, "first/bias is missing: 'c' in x.safetensors has none",
           "c.weight [4,3,1,2];" NORM("b") MIDDLE("m") LAST("l"), NULL);
    refuse(LKS_ERR_MISMATCH, "'l.bias' in x.safetensors, 5, has no place",
           CONV("c") NORM("b") MIDDLE("m") LAST("l") "l.bias [5];", NULL);
    refuse(LKS_ERR_MISMATCH, "'z.weight' in x.safetensors, 2 x 2 x 2, has no place",
           CONV("c") NORM("b") MIDDLE("m") LAST("l") "z.weight [2,2,2];", NULL);
    refuse(LKS_ERR_USAGE, "no layer 'second'", CONV("c") NORM("b") MIDDLE("m") LAST("l"),
           "second=c");
    refuse(LKS_ERR_USAGE, "begin with 'd'", CONV("c") NORM("b") MIDDLE("m") LAST("l"), "first=d");
    refuse(LKS_ERR_USAGE, "no tensor 'first/what'", CONV("c") NORM("b") MIDDLE("m") LAST("l"),
           "first/what=c.weight");
    refuse(LKS_ERR_USAGE, "name all tensors of a layer", CONV("c") NORM("b") MIDDLE("m") LAST("l"),
           "first/weight=c.weight");
    refuse(LKS_ERR_FORMAT, "the same part of a layer",
           CONV("c") "c.kernel [4,3,1,2];" NORM("b") MIDDLE("m") LAST("l"), NULL);
}

/* Each value goes to its place: rows, columns and channels change places, and a flattened image's order. */
static void test_layout(void) {
    lks_import_network n;
    lks_config config;
    CU_ASSERT_EQUAL_FATAL(
        put(&n, &config, CONV("c") NORM("b") MIDDLE("m") LAST("l"), NULL, LKS_LAYOUT_TORCH),
        LKS_OK);
    const float *w = n.view.weights;
    for (int o = 0; o < 4; o++) /* [row][column][in][out] from [out][in][row][column] */
        for (int i = 0; i < 3; i++)
            for (int c = 0; c < 2; c++)
                CU_ASSERT_EQUAL(w[(c * 3 + i) * 4 + o], (float)((o * 3 + i) * 2 + c));
    const float *m = w + 44; /* the flattened image has 2 rows, 1 column, 4 channels */
    for (int o = 0; o < 5; o++)
        for (int y = 0; y < 2; y++)
            for (int k = 0; k < 4; k++)
                CU_ASSERT_EQUAL(m[(y * 4 + k) * 5 + o], (float)(44 + o * 8 + k * 2 + y));
    lks_import_network_free(&n);
    lks_config_free(&config);
}

int main(void) {
    static const lks_test tests[] = {
        {"halves", test_halves},   {"types", test_types},     {"headers", test_headers},
        {"lengths", test_lengths}, {"npy heads", test_heads}, {"order", test_order},
        {"misfits", test_misfits}, {"layout", test_layout},   {NULL, NULL}};
    return lks_test_main("import", tests);
}
