/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of an event. Low byte first; a text is a varint of its size and so many bytes of UTF-8.
 *
 *   u8      version      1
 *   i64     time
 *   varint  receive time less time, zigzag
 *   u8      severity
 *   u8      flags        1 an acknowledgement is wanted · 2 something was cut
 *   text    source, kind, text, key, once
 *   u8      arguments
 *   each    text name · u8 type · value: BOOL u8 · INT zigzag varint · DOUBLE u64 · TEXT text
 *
 * What follows is the business of later versions: they add at the end and keep the number. */
#include "model/event.h"

#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum {
    VERSION = 1,
    FLAG_ACK_WANTED = 1,
    FLAG_CUT = 2,
    FLAGS = FLAG_ACK_WANTED | FLAG_CUT,
    STORE_MAX = 4 * EVENT_BYTES_MAX /* decoded texts have heads, terminators and padding */
};

static const char *const severities[] = {
    [EVENT_INFO] = "info", [EVENT_LOW] = "low",           [EVENT_MEDIUM] = "medium",
    [EVENT_HIGH] = "high", [EVENT_CRITICAL] = "critical",
};

const char *event_severity_word(uint8_t severity)
{
    return severity < EVENT_SEVERITIES ? severities[severity] : severities[EVENT_INFO];
}

int event_severity_parse(const char *word)
{
    for (int i = 0; i < EVENT_SEVERITIES; i++) {
        if (str_equal(word, severities[i])) {
            return i;
        }
    }
    return -1;
}

/* ---- writing ---- */

struct cut_text {
    const char *bytes;
    size_t size;
};

static struct cut_text cut_text(const char *bytes, size_t size, size_t max, bool *cut)
{
    size_t kept = str_utf8_cut(bytes, size, max);
    const char *zero = kept > 0 ? memchr(bytes, '\0', kept) : NULL;
    kept = zero != NULL ? (size_t)(zero - bytes) : kept;
    *cut = *cut || kept < size;
    return (struct cut_text){ .bytes = bytes, .size = kept };
}

static struct cut_text cut_string(const char *text, size_t max, bool *cut)
{
    return text != NULL ? cut_text(text, strlen(text), max, cut)
                        : (struct cut_text){ .bytes = "", .size = 0 };
}

static void put_text(struct bytes_out *out, struct cut_text text)
{
    bytes_put_varint(out, text.size);
    bytes_put_block(out, text.bytes, text.size);
}

/* False: it does not fit any more. */
static bool put_argument(struct bytes_out *out, const struct event_argument *argument, bool *cut)
{
    struct cut_text name = cut_string(argument->name, EVENT_NAME_MAX, cut);
    struct cut_text text = { .bytes = "", .size = 0 };
    if (argument->type == VALUE_TEXT && argument->value.text != NULL) {
        text = cut_text(argument->value.text->bytes, argument->value.text->size, EVENT_TEXT_MAX,
                        cut);
    }
    if (bytes_out_left(out) < 1 + name.size + text.size + 2u * BYTES_VARINT_MAX) {
        return false;
    }
    put_text(out, name);
    bytes_put_u8(out, argument->type <= VALUE_TEXT ? argument->type : VALUE_NONE);
    switch (argument->type) {
    case VALUE_BOOL: bytes_put_u8(out, argument->value.b); break;
    case VALUE_INT: bytes_put_varint_signed(out, argument->value.i); break;
    case VALUE_DOUBLE: bytes_put_u64le(out, argument->value.bits); break;
    case VALUE_TEXT: put_text(out, text); break;
    default: break;
    }
    return true;
}

static size_t put_event(const struct event *event, uint8_t *to, size_t size)
{
    bool cut = event->cut;
    struct bytes_out out = bytes_out_of(to, size);
    bytes_put_u8(&out, VERSION);
    bytes_put_i64le(&out, event->time_us);
    bytes_put_varint_signed(&out,
                            (int64_t)((uint64_t)event->receive_us - (uint64_t)event->time_us));
    bytes_put_u8(&out, event->severity);
    uint8_t *flags = bytes_put_space(&out, 1);
    put_text(&out, cut_string(event->source, EVENT_TEXT_MAX, &cut));
    put_text(&out, cut_string(event->kind, EVENT_NAME_MAX, &cut));
    put_text(&out, cut_string(event->text, EVENT_TEXT_MAX, &cut));
    put_text(&out, cut_string(event->key, EVENT_TEXT_MAX, &cut));
    put_text(&out, cut_string(event->once, EVENT_TEXT_MAX, &cut));
    uint8_t *count = bytes_put_space(&out, 1);
    uint8_t kept = 0;
    while (kept < event->argument_count && kept < EVENT_ARGUMENTS_MAX &&
           put_argument(&out, &event->arguments[kept], &cut)) {
        kept++;
    }
    *count = kept;
    cut = cut || kept < event->argument_count;
    *flags = (uint8_t)((event->ack_wanted ? FLAG_ACK_WANTED : 0) | (cut ? FLAG_CUT : 0));
    return bytes_out_size(&out);
}

int event_encode(const struct event *event, struct buf *out)
{
    uint8_t *space = buf_reserve(out, EVENT_BYTES_MAX);
    if (space == NULL) {
        out->overflow = false; /* what is in it stays good */
        return out->max - out->size < EVENT_BYTES_MAX ? BUSBAR_ELIMIT : BUSBAR_ENOMEM;
    }
    buf_commit(out, put_event(event, space, EVENT_BYTES_MAX));
    return 0;
}

/* ---- reading ---- */

static bool is_text(const uint8_t *bytes, size_t size)
{
    return memchr(bytes, '\0', size) == NULL && str_is_utf8((const char *)bytes, size);
}

/* The bytes of a text in place; NULL: damaged. */
static const uint8_t *get_text(struct bytes *in, size_t max, size_t *size)
{
    uint64_t said = bytes_get_varint(in);
    const uint8_t *bytes = said <= max ? bytes_get_block(in, (size_t)said) : NULL;
    if (bytes == NULL || (said > 0 && !is_text(bytes, (size_t)said))) {
        bytes_fail(in);
        return NULL;
    }
    *size = (size_t)said;
    return bytes;
}

static const char *get_string(struct bytes *in, size_t max, struct arena *store, bool *memory)
{
    size_t size = 0;
    const uint8_t *bytes = get_text(in, max, &size);
    if (bytes == NULL) {
        return "";
    }
    char *copy = arena_strndup(store, (const char *)bytes, size);
    *memory = *memory && copy != NULL;
    return copy;
}

static const struct text *get_value_text(struct bytes *in, struct arena *store, bool *memory)
{
    size_t size = 0;
    const uint8_t *bytes = get_text(in, EVENT_TEXT_MAX, &size);
    if (bytes == NULL) {
        return NULL;
    }
    struct text *text = arena_alloc(store, sizeof(*text) + size + 1);
    if (text == NULL) {
        *memory = false;
        return NULL;
    }
    text->size = (uint32_t)size;
    memcpy(text->bytes, bytes, size);
    return text;
}

static void get_argument(struct bytes *in, struct event_argument *argument, struct arena *store,
                         bool *memory)
{
    argument->name = get_string(in, EVENT_NAME_MAX, store, memory);
    argument->type = bytes_get_u8(in);
    argument->value.bits = 0;
    switch (argument->type) {
    case VALUE_NONE: break;
    case VALUE_BOOL: argument->value.b = bytes_get_u8(in) != 0; break;
    case VALUE_INT: argument->value.i = bytes_get_varint_signed(in); break;
    case VALUE_DOUBLE: argument->value.bits = bytes_get_u64le(in); break;
    case VALUE_TEXT: argument->value.text = get_value_text(in, store, memory); break;
    default: bytes_fail(in);
    }
}

static void get_event(struct bytes *in, struct event_decoded *out, struct arena *store,
                      bool *memory)
{
    struct event *event = &out->event;
    if (bytes_get_u8(in) != VERSION) {
        bytes_fail(in);
    }
    event->time_us = bytes_get_i64le(in);
    event->receive_us = (int64_t)((uint64_t)event->time_us + (uint64_t)bytes_get_varint_signed(in));
    event->severity = bytes_get_u8(in);
    uint8_t flags = bytes_get_u8(in);
    event->ack_wanted = (flags & FLAG_ACK_WANTED) != 0;
    event->cut = (flags & FLAG_CUT) != 0;
    event->source = get_string(in, EVENT_TEXT_MAX, store, memory);
    event->kind = get_string(in, EVENT_NAME_MAX, store, memory);
    event->text = get_string(in, EVENT_TEXT_MAX, store, memory);
    event->key = get_string(in, EVENT_TEXT_MAX, store, memory);
    event->once = get_string(in, EVENT_TEXT_MAX, store, memory);
    uint8_t count = bytes_get_u8(in);
    if (event->severity >= EVENT_SEVERITIES || (flags & ~FLAGS) != 0 ||
        count > EVENT_ARGUMENTS_MAX) {
        bytes_fail(in);
        return;
    }
    for (uint8_t i = 0; i < count && !bytes_short(in) && *memory; i++) {
        get_argument(in, &out->arguments[i], store, memory);
    }
    event->arguments = out->arguments;
    event->argument_count = count;
}

int event_decode(struct bytes *in, struct event_decoded *out)
{
    struct arena *store = busbar_alloc(sizeof(*store));
    bool memory = true;
    arena_init(store, STORE_MAX);
    out->event = (struct event){ .time_us = 0 };
    out->store = store;
    if (bytes_left(in) > EVENT_BYTES_MAX) {
        bytes_fail(in);
    }
    get_event(in, out, store, &memory);
    if (memory && !bytes_short(in)) {
        bytes_skip(in, bytes_left(in));
        return 0;
    }
    event_decoded_fini(out);
    return memory ? BUSBAR_EDAMAGED : BUSBAR_ENOMEM;
}

void event_decoded_fini(struct event_decoded *decoded)
{
    if (decoded->store != NULL) {
        arena_fini(decoded->store);
        busbar_free(decoded->store);
        decoded->store = NULL;
    }
}
