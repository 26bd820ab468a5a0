#include "config/yaml.h"

#include "base/utf8.h"

#include <libfyaml.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX   16
#define NODES_MAX   16384
#define BLANKS_MAX  256
#define BLOCK_NODES 128

typedef struct lks_node_block {
    struct lks_node_block *next;
    int used;
    lks_node nodes[BLOCK_NODES];
} lks_node_block;

/* The tree under construction. */
typedef struct builder {
    lks_yaml *yaml;
    const lks_source *source;
    lks_problems *problems;
    lks_node *open[DEPTH_MAX], *last[DEPTH_MAX]; /* open collections and their latest children */
    bool flow[DEPTH_MAX];                        /* written with brackets */
    int depth, nodes, documents;
    size_t offset; /* of the latest event that has a place */
} builder;

static void discard(struct fy_diag *diag, void *user, const char *text, size_t length) {
    (void)diag, (void)user, (void)text, (void)length;
}

void lks_yaml_free(lks_yaml *yaml) {
    for (lks_node_block *block = yaml->blocks; block;) {
        for (int i = 0; i < block->used; i++)
            free(block->nodes[i].text);
        lks_node_block *next = block->next;
        free(block);
        block = next;
    }
    *yaml = (lks_yaml){0};
}

static lks_node *new_node(builder *b) {
    lks_node_block *block = b->yaml->blocks;
    if (!block || block->used == BLOCK_NODES) {
        block = calloc(1, sizeof *block);
        if (!block)
            return NULL;
        block->next = b->yaml->blocks;
        b->yaml->blocks = block;
    }
    return &block->nodes[block->used++];
}

static lks_status out_of_memory(builder *b) {
    return lks_fail_memory(b->problems, b->source->label);
}

static lks_status refuse(builder *b, const char *what) {
    return lks_fail_at(b->problems, b->source, b->offset, "%s", what);
}

static size_t mark_offset(const builder *b, const struct fy_mark *mark) {
    return mark->input_pos < b->source->size ? mark->input_pos : b->source->size;
}

/* Marks of quoted texts, anchors and aliases stand after the character that introduces them. */
static void step_back(builder *b, const char *introducers) {
    if (b->offset > 0 && strchr(introducers, b->source->text[b->offset - 1]))
        b->offset--;
}

static lks_status refuse_properties(builder *b, struct fy_token *anchor, struct fy_token *tag) {
    const struct fy_mark *mark = fy_token_start_mark(anchor ? anchor : tag);
    if (mark)
        b->offset = mark_offset(b, mark);
    step_back(b, "&!");
    return refuse(b, anchor ? "anchors (&) are not supported" : "tags (!) are not supported");
}

/* Adds a node to the innermost open collection. */
static lks_status add_node(builder *b, lks_node_type type, lks_node **added) {
    if (++b->nodes > NODES_MAX)
        return refuse(b, "more values than a configuration can have");
    lks_node *node = new_node(b);
    if (!node)
        return out_of_memory(b);
    node->type = type;
    node->offset = b->offset;
    if (b->depth == 0) {
        b->yaml->root = node;
    } else {
        lks_node **last = &b->last[b->depth - 1];
        *(*last ? &(*last)->next : &b->open[b->depth - 1]->first) = node;
        *last = node;
    }
    *added = node;
    return LKS_OK;
}

static lks_status open_collection(builder *b, lks_node_type type, struct fy_token *anchor,
                                  struct fy_token *tag) {
    if (anchor || tag)
        return refuse_properties(b, anchor, tag);
    if (b->depth == DEPTH_MAX)
        return refuse(b, "nested deeper than any configuration");
    lks_node *node = NULL;
    LKS_TRY(add_node(b, type, &node));
    char first = b->offset < b->source->size ? b->source->text[b->offset] : '\0';
    b->open[b->depth] = node;
    b->last[b->depth] = NULL;
    b->flow[b->depth] = first == '[' || first == '{';
    b->depth++;
    return LKS_OK;
}

static bool is_null_word(const char *text, size_t length) {
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (length == strlen(words[i]) && memcmp(text, words[i], length) == 0)
            return true;
    return false;
}

static lks_status add_scalar(builder *b, struct fy_token *value, struct fy_token *anchor,
                             struct fy_token *tag) {
    if (anchor || tag)
        return refuse_properties(b, anchor, tag);
    lks_node *node = NULL;
    size_t length = 0;
    const char *text = value ? fy_token_get_text(value, &length) : "";
    if (!text)
        return out_of_memory(b);
    bool plain = !value || fy_token_scalar_style(value) == FYSS_PLAIN;
    if (!plain)
        step_back(b, "'\"");
    if (plain && is_null_word(text, length))
        return add_node(b, LKS_NODE_NULL, &node);
    /* An escape like "\0" can bring in what the check of the whole text has kept out. */
    if (lks_text_check(text, length) < length || memchr(text, '\n', length) ||
        memchr(text, '\r', length) || memchr(text, '\t', length))
        return refuse(b, "line breaks and control characters are not allowed in a value");
    LKS_TRY(add_node(b, LKS_NODE_SCALAR, &node));
    node->plain = plain;
    node->text = malloc(length + 1);
    if (!node->text)
        return out_of_memory(b);
    memcpy(node->text, text, length);
    node->text[length] = '\0';
    return LKS_OK;
}

static lks_status take_event(builder *b, struct fy_event *event) {
    const struct fy_mark *mark = fy_event_start_mark(event);
    if (mark)
        b->offset = mark_offset(b, mark);
    switch (event->type) {
    case FYET_DOCUMENT_START:
        return ++b->documents > 1
                   ? refuse(b, "a configuration is one YAML document, here begins a second one")
                   : LKS_OK;
    case FYET_MAPPING_START:
        return open_collection(b, LKS_NODE_MAP, event->mapping_start.anchor,
                               event->mapping_start.tag);
    case FYET_SEQUENCE_START:
        return open_collection(b, LKS_NODE_LIST, event->sequence_start.anchor,
                               event->sequence_start.tag);
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END:
        b->depth--;
        return LKS_OK;
    case FYET_SCALAR:
        return add_scalar(b, event->scalar.value, event->scalar.anchor, event->scalar.tag);
    case FYET_ALIAS:
        step_back(b, "*");
        return refuse(b, "aliases (*) are not supported, write the value out");
    default:
        return LKS_OK;
    }
}

/* Turns libfyaml's first error into ours. It places a bracket that is never closed at the end of
 * the file, so the place where it was opened is added. */
static lks_status broken(builder *b, struct fy_diag *diag) {
    const char *text = "cannot be understood";
    size_t offset = b->offset;
    void *iterator = NULL;
    for (struct fy_diag_error *e; (e = fy_diag_errors_iterate(diag, &iterator));) {
        if (e->type < FYET_ERROR)
            continue;
        text = e->msg;
        offset = lks_source_offset(b->source, e->line, e->column);
        break;
    }
    for (int i = b->depth; i-- > 0;)
        if (b->flow[i] && b->source->kind == LKS_SOURCE_FILE)
            return lks_fail_at(b->problems, b->source, offset,
                               "broken YAML: %s (inside the '%c' of line %d)", text,
                               b->source->text[b->open[i]->offset],
                               lks_source_line(b->source, b->open[i]->offset));
    return lks_fail_at(b->problems, b->source, offset, "broken YAML: %s", text);
}

static lks_status run_parser(builder *b, struct fy_parser *parser, struct fy_diag *diag) {
    if (fy_parser_set_string(parser, b->source->text, b->source->size) != 0)
        return out_of_memory(b);
    lks_status status = LKS_OK;
    for (struct fy_event *event; status == LKS_OK && (event = fy_parser_parse(parser));) {
        status = take_event(b, event);
        fy_parser_event_free(parser, event);
    }
    if (status == LKS_OK && fy_parser_get_stream_error(parser))
        status = broken(b, diag);
    return status;
}

/* Keeps from the parser what it needs quadratic time for, minutes for a megabyte: long runs of
 * blanks and line ends, and long directives. No configuration needs either. */
static lks_status check_blanks(const lks_source *source, lks_problems *problems) {
    size_t run = 0;
    bool line_begins = true;
    for (size_t i = 0; i < source->size; i++) {
        char c = source->text[i];
        run = c == ' ' || c == '\t' || c == '\n' || c == '\r' ? run + 1 : 0;
        if (run > BLANKS_MAX)
            return lks_fail_at(problems, source, i, "more than %d blanks or line ends in a row",
                               BLANKS_MAX);
        if (line_begins && c == '%')
            return lks_fail_at(problems, source, i, "YAML directives (%%) are not supported");
        line_begins = c == '\n' || c == '\r';
    }
    return LKS_OK;
}

lks_status lks_yaml_parse(lks_yaml *yaml, const lks_source *source, lks_problems *problems) {
    *yaml = (lks_yaml){0};
    LKS_TRY(lks_source_check(source, problems));
    LKS_TRY(check_blanks(source, problems));
    builder b = {.yaml = yaml, .source = source, .problems = problems};

    /* Errors are collected, and what would be printed all the same is thrown away. */
    struct fy_diag_cfg diag_cfg;
    fy_diag_cfg_default(&diag_cfg);
    diag_cfg.fp = NULL;
    diag_cfg.output_fn = discard;
    diag_cfg.colorize = false;
    struct fy_diag *diag = fy_diag_create(&diag_cfg);
    if (!diag)
        return out_of_memory(&b);
    fy_diag_set_collect_errors(diag, true);
    struct fy_parse_cfg cfg = {.search_path = "",
                               .flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG |
                                        FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE,
                               .diag = diag};
    struct fy_parser *parser = fy_parser_create(&cfg);
    lks_status status = parser ? run_parser(&b, parser, diag) : out_of_memory(&b);
    if (parser)
        fy_parser_destroy(parser);
    fy_diag_destroy(diag);
    if (status != LKS_OK)
        lks_yaml_free(yaml);
    return status;
}
