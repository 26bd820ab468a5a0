/* Every topic is found among the rows that lks_config_keys() visits; no text of its own is kept here. */
#include "config/help/topic.h"

#include <ctype.h>
#include <string.h>

#include "config/advice.h"
#include "config/help/help.h"
#include "lockstep/config.h"

/* "train.optimizer.lr", "conv2d" or "conv2d.filters" */
static const char *name_of(const lks_key_info *row, char name[128]) {
    snprintf(name, 128, "%s%s%s", row->layer ? row->layer : "", row->layer && row->key ? "." : "",
             row->key ? row->key : "");
    return name;
}

/* A list of words without a meaning of their own. */
static bool is_yes_or_no(const lks_key_info *row) {
    return strcmp(row->words, "true false") == 0;
}

/* True where @p word stands in @p text between blanks, colons and commas. */
static bool mentions(const char *text, const char *word) {
    static const char between[] = " :,";
    const size_t length = strlen(word);
    for (text += strspn(text, between); *text; text += strspn(text, between)) {
        const size_t n = strcspn(text, between);
        if (n == length && strncmp(text, word, n) == 0)
            return true;
        text += n;
    }
    return false;
}

/* --- all topics ------------------------------------------------------------------------------- */

typedef struct visitor {
    void (*visit)(const char *topic, const char *about, void *context);
    void *context;
    char section[128]; /* the last one visited */
} visitor;

/* Sections that begin with this key: "train", then "train.optimizer". */
static void visit_sections(visitor *v, const char *key) {
    for (const char *dot = strchr(key, '.'); dot; dot = strchr(dot + 1, '.')) {
        char section[sizeof v->section];
        snprintf(section, sizeof section, "%.*s", (int)(dot - key), key);
        const size_t length = strlen(section);
        const bool known = strncmp(v->section, section, length) == 0 &&
                           (v->section[length] == '\0' || v->section[length] == '.');
        if (known)
            continue;
        snprintf(v->section, sizeof v->section, "%s", section);
        v->visit(section, "keys of a configuration", v->context);
    }
}

static void visit_words(const visitor *v, const lks_key_info *row) {
    char word[64], about[160];
    snprintf(about, sizeof about, "a value of %s", row->key);
    for (const char *at = row->words; *at; at += strspn(at, " ")) {
        const size_t length = strcspn(at, " ");
        snprintf(word, sizeof word, "%.*s", (int)length, at);
        if (isalpha((unsigned char)word[0]))
            v->visit(word, about, v->context);
        at += length;
    }
}

static void visit_row(const lks_key_info *row, void *context) {
    visitor *v = context;
    char name[128];
    if (!row->layer)
        visit_sections(v, row->key);
    v->visit(name_of(row, name), row->meaning, v->context);
    if (!row->layer && !is_yes_or_no(row))
        visit_words(v, row);
}

void lks_topics_visit(void (*visit)(const char *topic, const char *about, void *context),
                      void *context) {
    visitor v = {visit, context, ""};
    visit("layers", "the kinds of layers", context);
    lks_config_keys(visit_row, &v);
}

/* --- one topic -------------------------------------------------------------------------------- */

typedef struct search {
    const char *topic, *skipped; /* skipped: a key that was printed already, or NULL */
    FILE *out;
    int found;
    char last[128]; /* what was printed */
    bool option;    /* which is a layer's */
    char preset[64];
    char section[64]; /* of whose `name` the topic is a value: "train.optimizer" of "adam" */
} search;

/* With its whole name, but for options below their layer. */
static void print_row(search *s, const lks_key_info *row, bool below) {
    lks_key_info whole = *row;
    if (s->skipped && s->found == 0)
        fputc('\n', s->out);
    s->found++;
    whole.key = name_of(row, s->last);
    s->option = row->layer;
    snprintf(s->preset, sizeof s->preset, "%.*s", row->preset ? (int)strcspn(row->preset, ";") : 0,
             row->preset ? row->preset : "");
    lks_key_print(row->key && !below ? &whole : row, below && row->key ? 4 : 0, s->out);
}

/* A row, or what is below it. */
static void print_named(const lks_key_info *row, void *context) {
    search *s = context;
    char name[128];
    const size_t length = strlen(s->topic);
    if (strncmp(name_of(row, name), s->topic, length) == 0 &&
        (name[length] == '\0' || name[length] == '.'))
        print_row(s, row, row->layer && name[length]);
}

static void print_example(const lks_key_info *row, void *context) {
    search *s = context;
    if (!row->layer || row->key || strcmp(row->layer, s->topic) != 0)
        return;
    fputs("\nIn a configuration:\n\n    model:\n", s->out);
    for (const char *line = row->example; *line; line += *line == '\n') {
        const int length = (int)strcspn(line, "\n");
        fprintf(s->out, "      %.*s\n", length, line);
        line += length;
    }
}

/* The last part of a key, "lr", or a value of one, "cosine", with the keys that go with it. */
static void print_related(const lks_key_info *row, void *context) {
    search *s = context;
    const char *dot = row->key ? strrchr(row->key, '.') : NULL;
    const char *values = strchr(row->condition, ':');
    if (s->skipped && row->key && strcmp(row->key, s->skipped) == 0)
        return;
    const bool value = !is_yes_or_no(row) && mentions(row->words, s->topic);
    if (value && dot && strcmp(dot, ".name") == 0)
        snprintf(s->section, sizeof s->section, "%.*s", (int)(dot - row->key), row->key);
    if ((row->key && strcmp(dot ? dot + 1 : row->key, s->topic) == 0) || value ||
        (values && mentions(values, s->topic)))
        print_row(s, row, false);
}

static void print_kind(const lks_key_info *row, void *context) {
    search *s = context;
    if (row->layer && !row->key)
        fprintf(s->out, "  %-16s %s\n", row->layer, row->meaning);
}

/* How one key is written: in a file and on a command line. */
static void print_use(const search *s) {
    const char *value = s->preset[0] ? s->preset : "VALUE", *own = strchr(s->last, '.');
    int braces = 0;
    fprintf(s->out, "\nIn a file:          %s", s->option ? " - " : " ");
    for (const char *part = s->last; *part;) {
        const int length = (int)strcspn(part, ".");
        fprintf(s->out, "%.*s: ", length, part);
        part += length;
        if (*part == '.') {
            fputc('{', s->out);
            part++;
            braces++;
        }
    }
    fputs(value, s->out);
    while (braces--)
        fputc('}', s->out);
    if (s->option)
        fprintf(s->out, "\nOn a command line:   --set model.NAME%s=%s, NAME being the layer's\n",
                own, value);
    else
        fprintf(s->out, "\nOn a command line:   --set %s=%s\n", s->last, value);
}

static void print_layers(search *s) {
    fputs("Kinds of layers, for `model` in a configuration:\n\n", s->out);
    lks_config_keys(print_kind, s);
    fputs("\n`lockstep help KIND` explains one.\n", s->out);
}

static bool print_topic(const char *topic, FILE *out) {
    search s = {.topic = topic, .out = out};
    lks_config_keys(print_named, &s);
    if (s.found == 0)
        lks_config_keys(print_related, &s);
    lks_config_keys(print_example, &s);
    if (strcmp(topic, "model") == 0)
        fputs("\n`lockstep help layers` lists the kinds of layers.\n", out);
    else if (s.found == 1 && strchr(s.last, '.'))
        print_use(&s);
    if (s.section[0])
        fprintf(out, "\n`lockstep help %s` explains all keys beside it.\n", s.section);
    return s.found > 0;
}

/* A word of Keras or PyTorch: what to write here, and the topics of that. */
static bool print_advice(const char *topic, FILE *out) {
    const lks_advice *advice = lks_advice_find(topic);
    char text[300];
    if (!advice)
        return false;
    lks_config_advice(topic, text, sizeof text);
    fprintf(out, "%s: %s\n", topic, text);
    for (const char *at = advice->instead ? advice->instead : ""; *at; at += *at == '|') {
        char word[128];
        const int length = (int)strcspn(at, "|");
        snprintf(word, sizeof word, "%.*s", length, at);
        fputc('\n', out);
        print_topic(word, out);
        at += length;
    }
    return true;
}

typedef struct name_search {
    const char *name;
    bool found;
} name_search;

static void compare(const char *topic, const char *about, void *context) {
    name_search *s = context;
    (void)about;
    s->found = s->found || strcmp(topic, s->name) == 0;
}

bool lks_topic_is(const char *topic) {
    name_search s = {topic, false};
    lks_topics_visit(compare, &s);
    return s.found;
}

bool lks_topic_print(const char *topic, FILE *out) {
    search s = {.topic = topic, .out = out};
    if (strcmp(topic, "layers") == 0) {
        print_layers(&s);
        return true;
    }
    if (lks_topic_is(topic) || !print_advice(topic, out))
        return print_topic(topic, out);
    s.skipped = lks_advice_find(topic)->instead;
    lks_config_keys(print_related, &s);
    return true;
}
