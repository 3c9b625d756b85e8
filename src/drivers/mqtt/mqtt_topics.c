/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/mqtt/mqtt_topics.h"

#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "drivers/mqtt/mqtt_client.h"

/* ---- words ---- */

static int put_word(const char **at, const struct mqtt_topic_names *names, struct buf *out,
                    struct err *err)
{
    static const char id[] = "{id}";
    static const char device[] = "{device}";
    const char *name = NULL;
    if (str_starts(*at, id)) {
        *at += strlen(id);
        name = names->id;
    } else if (str_starts(*at, device)) {
        *at += strlen(device);
        name = names->device;
    } else {
        err_set(err, BUSBAR_EINVAL, "'%.40s' is no word of a topic", *at);
        err_hint(err, "{id} and {device} are known");
        return BUSBAR_EINVAL;
    }
    if (name == NULL) {
        name = "x"; /* it is only checked */
    }
    if (strpbrk(name, "+#/") != NULL) {
        err_set(err, BUSBAR_EINVAL, "'%.80s' cannot stand in a topic: it has a +, # or /", name);
        err_hint(err, "set 'id:' of the device to what stands in its topic");
        return BUSBAR_EINVAL;
    }
    return buf_append_text(out, name);
}

/* One topic with its words filled in. */
static int fill(const char *text, const struct mqtt_topic_names *names, struct buf *out,
                struct err *err)
{
    int error = 0;
    buf_clear(out);
    if (text[0] == '~') {
        if (names->base == NULL) {
            err_set(err, BUSBAR_EINVAL, "'%.80s': there is no device topic that ~ stands for",
                    text);
            err_hint(err, "write the whole topic, or set 'topic:' of the device");
            return BUSBAR_EINVAL;
        }
        error = buf_append_text(out, names->base);
        text++;
    }
    while (error == 0 && *text != '\0') {
        if (*text == '{') {
            error = put_word(&text, names, out, err);
        } else {
            error = buf_append_byte(out, (uint8_t)*text++);
        }
    }
    if (error == BUSBAR_ELIMIT) {
        return err_set(err, BUSBAR_EINVAL, "a topic longer than %d bytes", MQTT_TOPIC_TEXT_MAX);
    }
    return error;
}

/* ---- lists ---- */

/* The next of a list into `one`, trimmed; false: there is none. */
static bool next(const char **at, char one[MQTT_TOPIC_TEXT_MAX + 1], char **out)
{
    while (**at != '\0') {
        size_t size = strcspn(*at, ",");
        size_t kept = size < MQTT_TOPIC_TEXT_MAX ? size : MQTT_TOPIC_TEXT_MAX;
        str_format(one, MQTT_TOPIC_TEXT_MAX + 1, "%.*s", (int)kept, *at);
        *at += size + ((*at)[size] == ',' ? 1 : 0);
        *out = str_trim(one);
        if (**out != '\0') {
            return true;
        }
    }
    return false;
}

static int wrong(struct err *err, const char *topic, const char *why)
{
    err_set(err, BUSBAR_EINVAL, "'%.120s' is no topic: %s", topic, why);
    err_hint(err, "zigbee/room-12, zigbee/+ (one level), tele/plug-1/# (all below)");
    return BUSBAR_EINVAL;
}

int mqtt_topics_each(const char *list, const struct mqtt_topic_names *names, mqtt_topic_cb cb,
                     void *ctx, struct err *err)
{
    char one[MQTT_TOPIC_TEXT_MAX + 1];
    char *text;
    struct buf filled;
    size_t count = 0;
    int error = 0;
    const char *at = list != NULL ? list : "";
    buf_init(&filled, MQTT_TOPIC_TEXT_MAX);
    while (error == 0 && next(&at, one, &text)) {
        error = fill(text, names, &filled, err);
        const char *why = error == 0 ? mqtt_filter_wrong(buf_text(&filled)) : NULL;
        if (error == 0 && str_starts(buf_text(&filled), "$share/")) {
            error = err_set(err, BUSBAR_EINVAL, "'%.120s': a group is not part of a topic",
                            buf_text(&filled));
            (void)err_hint(err, "set 'share: GROUP' of the broker");
        } else if (why != NULL) {
            error = wrong(err, buf_text(&filled), why);
        } else if (error == 0 && ++count > MQTT_TOPICS_MAX) {
            error = err_set(err, BUSBAR_EINVAL, "more than %d topics in one list", MQTT_TOPICS_MAX);
        } else if (error == 0) {
            error = cb(ctx, buf_text(&filled));
        }
    }
    buf_fini(&filled);
    return error;
}

int mqtt_topics_one(const char *text, const struct mqtt_topic_names *names,
                    char to[MQTT_TOPIC_TEXT_MAX + 1], struct err *err)
{
    struct buf filled;
    buf_init(&filled, MQTT_TOPIC_TEXT_MAX);
    int error = fill(text, names, &filled, err);
    const char *why = error == 0 ? mqtt_topic_wrong(buf_text(&filled)) : NULL;
    if (why != NULL) {
        error = wrong(err, buf_text(&filled), why);
        (void)err_hint(err, "a topic to send to has no wildcards: cmnd/plug-1/POWER");
    } else if (error == 0) {
        (void)str_copy(to, MQTT_TOPIC_TEXT_MAX + 1, buf_text(&filled));
    }
    buf_fini(&filled);
    return error;
}

bool mqtt_topics_base(const char *list, const struct mqtt_topic_names *names,
                      char to[MQTT_TOPIC_TEXT_MAX + 1])
{
    char one[MQTT_TOPIC_TEXT_MAX + 1];
    char *text;
    struct buf filled;
    bool found = false;
    const char *at = list != NULL ? list : "";
    buf_init(&filled, MQTT_TOPIC_TEXT_MAX);
    if (next(&at, one, &text) && text[0] != '~' && fill(text, names, &filled, NULL) == 0) {
        size_t size = strcspn(buf_text(&filled), "+#");
        bool wild = size < filled.size;
        size -= wild && size > 0 ? 1 : 0; /* the slash before it */
        found = size > 0;
        str_format(to, MQTT_TOPIC_TEXT_MAX + 1, "%.*s", (int)size, buf_text(&filled));
    }
    buf_fini(&filled);
    return found;
}
