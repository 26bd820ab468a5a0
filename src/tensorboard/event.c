#include "tensorboard/event.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tensorboard/events.pb-c.h"

#include "base/memory.h"
#include "lockstep/picture.h"
#include "tensorboard/tfrecord.h"

/* TensorBoard's version of the format, by which a session's start tells what is to be dropped. */
#define FILE_VERSION "brain.Event:2"
#define WRITER       "lockstep"

/* The plugin's tags: tensorboard/plugins/hparams/metadata.py. An "_hparams_/experiment" is not written: TensorBoard takes
 * the first one that it finds for all runs; without one it puts it together from all of them. */
#define SETTINGS_PLUGIN "hparams"
#define SETTINGS_TAG    "_hparams_/session_start_info"
#define END_TAG         "_hparams_/session_end_info"

/* --- writing ---------------------------------------------------------------------------------- */

static lks_status put(FILE *to, const Tb__Event *event, lks_error *err) {
    const size_t size = tb__event__get_packed_size(event);
    unsigned char *bytes = lks_alloc(size, 1, "an event for TensorBoard", err);
    if (!bytes)
        return err->status;
    tb__event__pack(event, bytes);
    lks_tfrecord_put(to, bytes, size);
    lks_free(bytes);
    return LKS_OK;
}

static Tb__Event event_at(lks_event_at at) {
    Tb__Event event = TB__EVENT__INIT;
    event.has_wall_time = event.has_step = true;
    event.wall_time = at.time;
    event.step = at.step;
    return event;
}

static lks_status put_values(FILE *to, lks_event_at at, Tb__Summary__Value **values, size_t n,
                             lks_error *err) {
    Tb__Event event = event_at(at);
    Tb__Summary summary = TB__SUMMARY__INIT;
    summary.n_value = n;
    summary.value = values;
    event.summary = &summary;
    return put(to, &event, err);
}

/* A tag is borrowed, but for protobuf-c's sake not const: packing changes nothing. */
static Tb__Summary__Value value_of(const char *tag) {
    Tb__Summary__Value value = TB__SUMMARY__VALUE__INIT;
    value.tag = (char *)tag;
    return value;
}

lks_status lks_event_start(FILE *to, lks_event_at at, lks_error *err) {
    Tb__Event first = event_at((lks_event_at){at.time, 0}), start = event_at(at);
    Tb__SourceMetadata source = TB__SOURCE_METADATA__INIT;
    Tb__SessionLog session = TB__SESSION_LOG__INIT;
    source.writer = WRITER;
    first.file_version = FILE_VERSION;
    first.source_metadata = &source;
    session.has_status = true;
    session.status = TB__SESSION_LOG__STATUS__START;
    start.session_log = &session;
    LKS_TRY(put(to, &first, err));
    return put(to, &start, err);
}

lks_status lks_event_scalars(FILE *to, lks_event_at at, const lks_scalar *scalars, int n,
                             lks_error *err) {
    Tb__Summary__Value room[LKS_EVENT_SCALARS], *values[LKS_EVENT_SCALARS];
    size_t used = 0;
    for (int i = 0; i < n && i < LKS_EVENT_SCALARS; i++) {
        if (isnan(scalars[i].value))
            continue;
        room[used] = value_of(scalars[i].tag);
        room[used].has_simple_value = true;
        room[used].simple_value = (float)scalars[i].value;
        values[used] = &room[used];
        used++;
    }
    return used > 0 ? put_values(to, at, values, used, err) : LKS_OK;
}

lks_status lks_event_picture(FILE *to, lks_event_at at, const char *tag, const lks_sheet *sheet,
                             lks_error *err) {
    Tb__Summary__Value value = value_of(tag), *values = &value;
    Tb__Summary__Image image = TB__SUMMARY__IMAGE__INIT;
    LKS_TRY(lks_png_encode(sheet->pixels, sheet->rows, sheet->columns, sheet->channels,
                           &image.encoded.data, &image.encoded.len, err));
    image.has_height = image.has_width = image.has_colorspace = image.has_encoded = true;
    image.height = sheet->rows;
    image.width = sheet->columns;
    image.colorspace = sheet->channels;
    value.image = &image;
    const lks_status status = put_values(to, at, &values, 1, err);
    free(image.encoded.data);
    return status;
}

lks_status lks_event_histogram(FILE *to, lks_event_at at, const char *tag, const lks_histogram *h,
                               lks_error *err) {
    Tb__Summary__Value value = value_of(tag), *values = &value;
    Tb__Histogram histogram = TB__HISTOGRAM__INIT;
    double edges[LKS_HISTOGRAM_BINS], counts[LKS_HISTOGRAM_BINS], num = 0;
    for (int i = 0; i < LKS_HISTOGRAM_BINS; i++) {
        edges[i] = lks_histogram_edge(h, i);
        counts[i] = (double)h->counts[i];
        num += counts[i];
    }
    histogram.has_min = histogram.has_max = histogram.has_num = true;
    histogram.has_sum = histogram.has_sum_squares = true;
    histogram.min = h->least;
    histogram.max = h->most;
    histogram.num = num;
    histogram.sum = h->sum;
    histogram.sum_squares = h->squares;
    histogram.n_bucket_limit = histogram.n_bucket = LKS_HISTOGRAM_BINS;
    histogram.bucket_limit = edges;
    histogram.bucket = counts;
    value.histogram = &histogram;
    return put_values(to, at, &values, 1, err);
}

/* --- what runs are compared by ---------------------------------------------------------------- */

/* Packed into the metadata of a value that has nothing else. */
static lks_status put_hparams(FILE *to, lks_event_at at, const char *tag, const Tb__HParams *h,
                              lks_error *err) {
    Tb__Summary__Value value = value_of(tag), *values = &value;
    Tb__Metadata metadata = TB__METADATA__INIT;
    Tb__Metadata__PluginData plugin = TB__METADATA__PLUGIN_DATA__INIT;
    plugin.content.len = tb__hparams__get_packed_size(h);
    plugin.content.data = lks_alloc(plugin.content.len, 1, "an event for TensorBoard", err);
    if (!plugin.content.data)
        return err->status;
    tb__hparams__pack(h, plugin.content.data);
    plugin.has_content = true;
    plugin.plugin_name = SETTINGS_PLUGIN;
    metadata.plugin_data = &plugin;
    value.metadata = &metadata;
    const lks_status status = put_values(to, at, &values, 1, err);
    lks_free(plugin.content.data);
    return status;
}

/* One value, which is borrowed only while it is told: its texts are copied. */
typedef struct setting {
    Tb__SessionStart__Entry entry;
    Tb__HParam value;
} setting;

typedef struct settings {
    setting *of; /* [capacity] */
    size_t n, capacity;
    bool failed;
} settings;

static void count_setting(void *context, const lks_config_value *value) {
    (void)value;
    ((settings *)context)->capacity++;
}

static void add_setting(void *context, const lks_config_value *value) {
    settings *all = context;
    setting *s = &all->of[all->n++];
    *s = (setting){TB__SESSION_START__ENTRY__INIT, TB__HPARAM__INIT};
    s->entry.key = strdup(value->key);
    s->entry.value = &s->value;
    s->value.has_number = value->kind == LKS_VALUE_NUMBER;
    s->value.has_truth = value->kind == LKS_VALUE_TRUTH;
    s->value.number = value->number;
    s->value.truth = value->number != 0;
    if (value->kind == LKS_VALUE_TEXT)
        s->value.text = strdup(value->text);
    all->failed |= !s->entry.key || (value->kind == LKS_VALUE_TEXT && !s->value.text);
}

static void free_settings(settings *all) {
    for (size_t i = 0; i < all->n; i++) {
        free(all->of[i].entry.key);
        free(all->of[i].value.text);
    }
    lks_free(all->of);
}

static lks_status collect(settings *all, const lks_config *config, lks_error *err) {
    LKS_TRY(lks_config_values(config, count_setting, all, err));
    all->of = lks_alloc(all->capacity, sizeof *all->of, "an event for TensorBoard", err);
    if (!all->of)
        return err->status;
    LKS_TRY(lks_config_values(config, add_setting, all, err));
    return all->failed ? lks_fail(err, LKS_ERR_MEMORY, "out of memory for an event for TensorBoard")
                       : LKS_OK;
}

static lks_status put_settings(FILE *to, lks_event_at at, settings *all, lks_error *err) {
    Tb__HParams h = TB__HPARAMS__INIT;
    Tb__SessionStart start = TB__SESSION_START__INIT;
    start.hparams = lks_alloc(all->n, sizeof *start.hparams, "an event for TensorBoard", err);
    if (!start.hparams)
        return err->status;
    for (size_t i = 0; i < all->n; i++)
        start.hparams[i] = &all->of[i].entry;
    start.n_hparams = all->n;
    start.has_start_time = true;
    start.start_time = at.time;
    h.session_start = &start;
    const lks_status status = put_hparams(to, at, SETTINGS_TAG, &h, err);
    lks_free(start.hparams);
    return status;
}

lks_status lks_event_settings(FILE *to, lks_event_at at, const lks_config *config, lks_error *err) {
    settings all = {0};
    lks_status status = collect(&all, config, err);
    if (status == LKS_OK)
        status = put_settings(to, at, &all, err);
    free_settings(&all);
    return status;
}

lks_status lks_event_end(FILE *to, lks_event_at at, lks_error *err) {
    Tb__HParams h = TB__HPARAMS__INIT;
    Tb__SessionEnd end = TB__SESSION_END__INIT;
    end.has_status = end.has_end_time = true;
    end.status = TB__SESSION_END__STATUS__SUCCESS;
    end.end_time = at.time;
    h.session_end = &end;
    return put_hparams(to, at, END_TAG, &h, err);
}

/* --- reading ---------------------------------------------------------------------------------- */

bool lks_event_get(const unsigned char *bytes, size_t n, lks_event_read *event) {
    Tb__Event *e = tb__event__unpack(NULL, n, bytes);
    if (!e)
        return false;
    const bool valued = e->summary && e->summary->n_value > 0;
    *event = (lks_event_read){e->step, valued ? e->summary->value[0]->tag : NULL, e};
    return true;
}

void lks_event_free(lks_event_read *event) {
    tb__event__free_unpacked(event->event, NULL);
    event->event = NULL;
}
