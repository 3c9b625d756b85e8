/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/mqtt/sparkplug/topic.h"

#include <string.h>

#include "base/str.h"

static const char prefix[] = "spBv1.0/";

static const char *const words[] = {
    [SPARKPLUG_NBIRTH] = "NBIRTH", [SPARKPLUG_NDEATH] = "NDEATH", [SPARKPLUG_DBIRTH] = "DBIRTH",
    [SPARKPLUG_DDEATH] = "DDEATH", [SPARKPLUG_NDATA] = "NDATA",   [SPARKPLUG_DDATA] = "DDATA",
    [SPARKPLUG_NCMD] = "NCMD",     [SPARKPLUG_DCMD] = "DCMD",     [SPARKPLUG_STATE] = "STATE",
};

const char *sparkplug_type_word(enum sparkplug_type type)
{
    return words[type];
}

/* The next part, up to a slash or the end. False: there is none, or it is no id. */
static bool take_id(const char **at, const char *end, char to[SPARKPLUG_ID_MAX + 1])
{
    if (*at == NULL) {
        return false;
    }
    const char *slash = memchr(*at, '/', (size_t)(end - *at));
    size_t size = (size_t)((slash != NULL ? slash : end) - *at);
    if (size == 0 || size > SPARKPLUG_ID_MAX || memchr(*at, '+', size) != NULL ||
        memchr(*at, '#', size) != NULL || memchr(*at, '\0', size) != NULL) {
        return false;
    }
    memcpy(to, *at, size);
    to[size] = '\0';
    *at = slash != NULL ? slash + 1 : NULL;
    return true;
}

static bool find_type(const char *word, enum sparkplug_type *type)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(words[i], word) == 0) {
            *type = (enum sparkplug_type)i;
            return true;
        }
    }
    return false;
}

static bool has_device(enum sparkplug_type type)
{
    return type == SPARKPLUG_DBIRTH || type == SPARKPLUG_DDEATH || type == SPARKPLUG_DDATA ||
           type == SPARKPLUG_DCMD;
}

bool sparkplug_topic_read(const char *text, size_t size, struct sparkplug_topic *out)
{
    char word[SPARKPLUG_ID_MAX + 1];
    const char *end = text + size;
    if (size <= sizeof(prefix) - 1 || memcmp(text, prefix, sizeof(prefix) - 1) != 0) {
        return false;
    }
    const char *at = text + sizeof(prefix) - 1;
    out->device[0] = '\0';
    if (!take_id(&at, end, out->group)) {
        return false;
    }
    if (strcmp(out->group, words[SPARKPLUG_STATE]) == 0) {
        out->type = SPARKPLUG_STATE;
        out->group[0] = '\0';
        return take_id(&at, end, out->node) && at == NULL;
    }
    if (!take_id(&at, end, word) || !find_type(word, &out->type) || out->type == SPARKPLUG_STATE ||
        !take_id(&at, end, out->node)) {
        return false;
    }
    return (!has_device(out->type) || take_id(&at, end, out->device)) && at == NULL;
}

int sparkplug_topic_put(struct buf *out, enum sparkplug_type type, const char *group,
                        const char *node, const char *device)
{
    if (type == SPARKPLUG_STATE) {
        return buf_printf(out, "%sSTATE/%s", prefix, node);
    }
    bool of_device = device != NULL && device[0] != '\0';
    return buf_printf(out, "%s%s/%s/%s%s%s", prefix, group, words[type], node, of_device ? "/" : "",
                      of_device ? device : "");
}

bool sparkplug_place_read(const char *text, struct sparkplug_topic *out)
{
    const char *at = text;
    const char *end = text + strlen(text);
    out->device[0] = '\0';
    return take_id(&at, end, out->group) && take_id(&at, end, out->node) &&
           strcmp(out->group, words[SPARKPLUG_STATE]) != 0 &&
           (at == NULL || (take_id(&at, end, out->device) && at == NULL));
}
