/* SPDX-License-Identifier: Apache-2.0 */
/* Life of a device: one that posts is up while its gateway can be posted to; of one that is asked each answer and each
 * failure says how the link is (http_poll.c). */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "drivers/http/http_driver.h"

int http_device_add(struct http_device *device, struct err *err)
{
    const struct device *dev = device->dev;
    int error = http_config_read(driver_setup(device->drv), dev->settings, &device->config, err);
    if (error != 0) {
        return error;
    }
    device->id = device->config.id != NULL ? device->config.id : dev->name;
    list_init(&device->link);
    list_init(&device->reads);
    list_init(&device->writes);
    list_init(&device->tests);
    list_init(&device->browses);
    error = payload_shape_get(feed_programs(device->state->feed), dev->settings, device->id,
                              &device->shape, err);
    if (error == 0 && device->config.url != NULL) {
        error = http_pages_make(device, err);
        if (error != 0) {
            payload_shape_drop(device->shape);
        }
    }
    return error;
}

void http_device_tell(struct http_device *device)
{
    char words[ERR_MESSAGE_MAX + ERR_HINT_MAX];
    const struct err *trouble = device->broken.code != 0 ? &device->broken
                                                         : http_listen_trouble(device->state);
    if (trouble == NULL) {
        driver_link(device->dev, true, 0, NULL);
        return;
    }
    str_format(words, sizeof(words), "%s%s%s", trouble->message,
               trouble->hint[0] != '\0' ? "; " : "", trouble->hint);
    driver_link(device->dev, false, trouble->code, words);
}

void http_device_start(struct http_device *device)
{
    struct http_state *state = device->state;
    device->started = true;
    device->broken = (struct err){ 0 };
    list_append(&state->devices, &device->link);
    if (device->config.url != NULL) {
        return; /* the host asks */
    }
    if (state->unsettled) {
        timer_start(&state->settle, HTTP_SETTLE_MS, 0);
    }
    http_left_back(&state->left, device->id);
    struct http_connector *connector = http_connector_named(state, device->config.connector);
    if (connector == NULL) {
        err_set(&device->broken, BUSBAR_ECONFIG, "there is no connector '%s'",
                device->config.connector);
    } else if (http_connector_join(connector, device, &device->broken) != 0 &&
               device->broken.code == 0) {
        err_set(&device->broken, BUSBAR_ENOMEM, "no memory for its rules");
    }
    http_device_tell(device);
}

void http_device_stop(struct http_device *device)
{
    http_tests_stop(device);
    http_browses_stop(device);
    http_reads_stop(device);
    http_writes_stop(device);
    if (device->started) {
        if (device->connector != NULL) {
            http_connector_leave(device->connector, device);
            http_left_add(&device->state->left, device->id, payload_shape_has_id(device->shape));
        }
        list_remove(&device->link);
        device->started = false;
        device->up = false;
    }
    driver_stopped(device->dev);
}

void http_device_remove(struct http_device *device)
{
    http_pages_free(device);
    payload_shape_drop(device->shape);
}

/* ---- finds ---- */

static void print_key(const char *connector, const char *id, struct buf *out)
{
    (void)buf_printf(out, "connector %s %s", connector, id);
}

void http_find_key(const struct http_device *device, struct buf *out)
{
    if (device->config.url != NULL || device->config.connector == NULL) {
        return;
    }
    if (payload_shape_has_id(device->shape)) {
        feed_find_key(device->state->feed, device->dev, out);
    } else {
        print_key(device->config.connector, device->id, out);
    }
}

void http_found(struct http_state *state, const struct http_connector *connector, const char *id,
                const char *from)
{
    char settings[SETUP_NAME_MAX + HTTP_ID_MAX + 40];
    struct buf key;
    buf_init(&key, sizeof(settings));
    print_key(connector->name, id, &key);
    str_format(settings, sizeof(settings), "{ connector: \"%s\", id: \"%s\" }", connector->name,
               id);
    const struct driver_find find = { .key = buf_text(&key),
                                      .id = id,
                                      .name = id,
                                      .description = "posts, but no device has this id",
                                      .address = from,
                                      .settings = settings,
                                      .objects = -1 };
    driver_found(state->drv, NULL, &find);
    buf_fini(&key);
}
