/* SPDX-License-Identifier: Apache-2.0 */
/* Topics and filters (4.7), and shared subscriptions (5.0: 4.8.2). */
#include <string.h>

#include "drivers/mqtt/mqtt_client.h"

static const char share_prefix[] = "$share/";

/* Behind "$share/NAME/"; the filter itself when it is not shared; NULL: it is, and wrong. */
static const char *behind_share(const char *filter)
{
    if (strncmp(filter, share_prefix, sizeof(share_prefix) - 1) != 0) {
        return filter;
    }
    const char *name = filter + sizeof(share_prefix) - 1;
    size_t size = strcspn(name, "/+#");
    return size > 0 && name[size] == '/' ? name + size + 1 : NULL;
}

const char *mqtt_filter_wrong(const char *filter)
{
    size_t size = strlen(filter);
    if (size > MQTT_TOPIC_MAX) {
        return "it is longer than 65535 bytes";
    }
    if (!mqtt_is_text(filter, size)) {
        return "it is no valid UTF-8";
    }
    const char *at = behind_share(filter);
    if (at == NULL) {
        return "a shared one is $share/NAME/FILTER, NAME without + # /";
    }
    if (*at == '\0') {
        return "it is empty";
    }
    for (; *at != '\0'; at += *at == '/') {
        size_t level = strcspn(at, "/");
        if (memchr(at, '#', level) != NULL && (level > 1 || at[level] != '\0')) {
            return "# may only be its last level, alone: a/b/#";
        }
        if (memchr(at, '+', level) != NULL && level > 1) {
            return "+ must be a whole level: a/+/b";
        }
        at += level;
    }
    return NULL;
}

const char *mqtt_topic_wrong(const char *topic)
{
    size_t size = strlen(topic);
    if (size == 0) {
        return "it is empty";
    }
    if (size > MQTT_TOPIC_MAX) {
        return "it is longer than 65535 bytes";
    }
    if (!mqtt_is_text(topic, size)) {
        return "it is no valid UTF-8";
    }
    return strpbrk(topic, "+#") != NULL ? "a topic has no + and #" : NULL;
}

bool mqtt_topic_fits(const char *filter, const char *topic)
{
    filter = behind_share(filter);
    if (filter == NULL || (*topic == '$' && *filter != '$')) {
        return false;
    }
    for (;;) {
        if (*filter == '#') {
            return true;
        }
        if (*filter == '+') {
            filter++;
            topic += strcspn(topic, "/");
        } else {
            size_t level = strcspn(filter, "/");
            if (level != strcspn(topic, "/") || memcmp(filter, topic, level) != 0) {
                return false;
            }
            filter += level;
            topic += level;
        }
        if (*topic == '\0') {
            return *filter == '\0' || strcmp(filter, "/#") == 0;
        }
        if (*filter == '\0') {
            return false;
        }
        filter++;
        topic++;
    }
}
