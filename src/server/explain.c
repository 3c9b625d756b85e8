/* SPDX-License-Identifier: Apache-2.0 */
#include "server/explain.h"

#include "base/str.h"
#include "driver/host.h"
#include "model/quality.h"

enum { FRAMES_MAX = 256 };

struct frame {
    bool sent;
    struct bytes bytes;
};

struct frames {
    struct frame list[FRAMES_MAX];
    size_t count;
};

static void put_step(struct json_writer *json, const char *step, const char *text)
{
    json_begin_object(json);
    json_put_string(json, "step", step);
    json_put_string(json, "text", text);
    json_end_object(json);
}

static void keep_frame(void *ctx, const struct host_frame *frame)
{
    struct frames *frames = ctx;
    if (frame->bad == NULL && frame->size == frame->full_size && frames->count < FRAMES_MAX) {
        frames->list[frames->count++] = (struct frame){ frame->sent,
                                                        bytes_of(frame->data, frame->size) };
    }
}

/* The newest answer that holds the point, with the newest request before it that it answers. */
static bool find_trace(const struct driver_ops *ops, const struct point *pt, struct buf *out,
                       struct sample *raw)
{
    struct frames frames = { .count = 0 };
    host_frames(pt->device, keep_frame, &frames);
    for (size_t answer = frames.count; answer-- > 0;) {
        for (size_t ask = answer; !frames.list[answer].sent && ask-- > 0;) {
            if (frames.list[ask].sent && ops->trace(pt->device, pt, frames.list[ask].bytes,
                                                    frames.list[answer].bytes, out, raw)) {
                return true;
            }
        }
    }
    return false;
}

/* The newest message that holds the point. */
static bool find_heard(const struct driver_ops *ops, const struct point *pt, struct buf *out,
                       struct sample *raw)
{
    struct frames frames = { .count = 0 };
    host_frames(pt->device, keep_frame, &frames);
    for (size_t at = frames.count; at-- > 0;) {
        if (!frames.list[at].sent && ops->heard(pt->device, pt, frames.list[at].bytes, out, raw)) {
            return true;
        }
    }
    return false;
}

static void put_trace(struct shape *shape, struct json_writer *json, const struct point *pt)
{
    const struct driver_ops *ops = shape_ops(shape, pt->device);
    struct sample raw = { .type = VALUE_NONE };
    if (ops == NULL || pt->device->host == NULL) {
        return;
    }
    buf_clear(&shape->text);
    bool found = ops->trace != NULL && find_trace(ops, pt, &shape->text, &raw);
    if (!found && (ops->heard == NULL || !find_heard(ops, pt, &shape->text, &raw))) {
        return;
    }
    put_step(json, "bytes", buf_text(&shape->text));
    if (raw.type != VALUE_NONE) {
        buf_clear(&shape->text);
        value_print(raw.type, raw.value, &shape->text);
        put_step(json, "raw", buf_text(&shape->text));
    }
}

static void put_scale(struct json_writer *json, const struct point_class *cls)
{
    char text[128];
    if (cls->scale == 1.0 && cls->offset == 0.0) {
        return;
    }
    size_t used = str_format(text, sizeof(text), "x %.10g", cls->scale);
    if (cls->offset != 0.0) {
        str_format(text + used, sizeof(text) - used, " %c %.10g", cls->offset < 0 ? '-' : '+',
                   cls->offset < 0 ? -cls->offset : cls->offset);
    }
    put_step(json, "scale", text);
}

void explain_put(struct shape *shape, struct json_writer *json, const struct point *pt)
{
    const struct sample *last = &pt->last;
    json_put_array(json, "explain");
    put_step(json, "address", shape_source(shape, pt));
    put_trace(shape, json, pt);
    put_scale(json, pt->cls);
    if (last->type != VALUE_NONE) {
        put_step(json, "value", shape_text(shape, pt->cls, last->type, last->value));
    }
    buf_clear(&shape->text);
    (void)buf_printf(&shape->text, "%s: %s", quality_class_word(last->quality),
                     quality_text(last->quality));
    put_step(json, "quality", buf_text(&shape->text));
    json_end_array(json);
}
