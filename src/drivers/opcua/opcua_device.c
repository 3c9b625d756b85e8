/* SPDX-License-Identifier: Apache-2.0 */
/* A device: made, started, stopped, and what its peer says at home. */
#include "drivers/opcua/opcua_device.h"

#include <openssl/crypto.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/str.h"
#include "drivers/opcua/data/alarm.h"
#include "drivers/opcua/data/history.h"
#include "drivers/opcua/data/method.h"
#include "drivers/opcua/data/subscribe.h"
#include "drivers/opcua/opcua_command.h"

/* Something small from the peer. */
struct told {
    struct opcua_device *device;
    struct opcua_peer_facts *facts;
    uint32_t *points;
    size_t count;
    int64_t number;
    const char *name;
    bool sent;
    char words[];
};

static struct told *tell(struct opcua_device *device, size_t extra)
{
    struct told *told = busbar_alloc(sizeof(*told) + extra);
    told->device = device;
    return told;
}

static void go_home(struct told *told, loop_cb cb)
{
    opcua_thread_tell(told->device->state->thread, cb, told);
}

/* ---- the link ---- */

static void up(void *ctx)
{
    struct told *told = ctx;
    struct opcua_device *device = told->device;
    busbar_free(device->application_uri);
    device->application_uri = busbar_strdup(told->facts->application_uri);
    (void)opcua_security_print(told->facts->mode, told->facts->policy, device->security,
                               sizeof(device->security));
    busbar_free(device->server_name);
    device->server_name = busbar_strdup(told->facts->name);
    str_copy(device->url, sizeof(device->url), told->facts->url);
    device->up = true;
    driver_link(device->dev, true, 0, NULL);
    opcua_peer_facts_free(told->facts);
    busbar_free(told);
}

static void down(void *ctx)
{
    struct told *told = ctx;
    const struct opcua_trouble *trouble = &told->facts->trouble;
    told->device->up = false;
    driver_link(told->device->dev, false, trouble->error, trouble->detail);
    opcua_peer_facts_free(told->facts);
    busbar_free(told);
}

static void up_there(void *ctx, struct opcua_peer_facts *facts)
{
    struct told *told = tell(ctx, 0);
    told->facts = facts;
    go_home(told, up);
}

static void down_there(void *ctx, struct opcua_peer_facts *why)
{
    struct told *told = tell(ctx, 0);
    told->facts = why;
    go_home(told, down);
}

/* ---- samples ---- */

static void batch_on_disk(void *ctx, int error)
{
    struct opcua_batch *batch = ctx;
    struct opcua_driver_state *state = batch->home;
    list_remove(&batch->home_link);
    batch->error = error;
    if (state == NULL) {
        opcua_batch_free(batch);
    } else {
        opcua_thread_do(state->thread, opcua_batch_back, batch);
    }
}

static void batch(void *ctx)
{
    struct opcua_batch *batch = ctx;
    struct opcua_device *device = batch->home;
    batch->home = device->state;
    list_init(&batch->home_link);
    list_append(&device->state->batches, &batch->home_link);
    int error = driver_publish(device->dev, batch->points, batch->samples, batch->count,
                               batch_on_disk, batch);
    if (error != 0) {
        batch_on_disk(batch, error);
    }
}

static void batch_there(void *ctx, struct opcua_batch *sent)
{
    struct opcua_device *device = ctx;
    sent->home = device;
    opcua_thread_tell(device->state->thread, batch, sent);
}

/* ---- events ---- */

static void news_on_disk(void *ctx, int error)
{
    struct opcua_news *news = ctx;
    struct opcua_driver_state *state = news->home;
    list_remove(&news->home_link);
    news->error = error;
    if (state == NULL) {
        opcua_news_free(news);
    } else {
        opcua_thread_do(state->thread, opcua_news_back, news);
    }
}

static void news(void *ctx)
{
    struct opcua_news *news = ctx;
    struct opcua_device *device = news->home;
    news->home = device->state;
    list_init(&news->home_link);
    list_append(&device->state->news, &news->home_link);
    int error = driver_event(device->drv, device->dev, &news->event, news_on_disk, news);
    if (error != 0) {
        news_on_disk(news, error);
    }
}

static void news_there(void *ctx, struct opcua_news *sent)
{
    struct opcua_device *device = ctx;
    sent->home = device;
    opcua_thread_tell(device->state->thread, news, sent);
}

void opcua_device_abandon(struct opcua_driver_state *state)
{
    struct list *at;
    while ((at = list_shift(&state->batches)) != NULL) {
        list_entry(at, struct opcua_batch, home_link)->home = NULL;
    }
    while ((at = list_shift(&state->news)) != NULL) {
        list_entry(at, struct opcua_news, home_link)->home = NULL;
    }
}

/* ---- the rest of what it says ---- */

static void watched(void *ctx)
{
    struct told *told = ctx;
    driver_watched(told->device->dev, told->points, told->count, told->number);
    busbar_free(told->points);
    busbar_free(told);
}

static void watched_there(void *ctx, uint32_t *points, size_t count, int64_t every_us)
{
    struct told *told = tell(ctx, 0);
    told->points = points;
    told->count = count;
    told->number = every_us;
    go_home(told, watched);
}

static void said(void *ctx)
{
    struct told *told = ctx;
    driver_note(told->device->dev, told->sent, told->words, told->count);
    busbar_free(told);
}

static void said_there(void *ctx, bool sent, const char *words, size_t size)
{
    struct told *told = tell(ctx, size);
    told->sent = sent;
    told->count = size;
    memcpy(told->words, words, size);
    go_home(told, said);
}

static void learned(void *ctx)
{
    struct told *told = ctx;
    driver_limit_set(told->device->dev, told->name, told->number);
    busbar_free(told);
}

static void learned_there(void *ctx, const char *name, int64_t value)
{
    struct told *told = tell(ctx, 0);
    told->name = name;
    told->number = value;
    go_home(told, learned);
}

static void closed(void *ctx)
{
    opcua_device_ended(ctx);
}

static void closed_there(void *ctx)
{
    struct opcua_device *device = ctx;
    opcua_thread_tell(device->state->thread, closed, device);
}

static const struct opcua_home home = {
    .up = up_there,
    .down = down_there,
    .batch = batch_there,
    .news = news_there,
    .watched = watched_there,
    .said = said_there,
    .learned = learned_there,
    .closed = closed_there,
};

/* ---- life ---- */

struct opcua_peer *opcua_device_peer(const struct device *dev)
{
    const struct opcua_device *device = opcua_device_of(dev);
    return device->started ? device->peer : NULL;
}

struct opcua_thread *opcua_device_thread(const struct device *dev)
{
    return opcua_device_of(dev)->state->thread;
}

static void read_user_file(struct opcua_device *device, const char *path, char **bytes,
                           size_t *size)
{
    struct err why = { 0 };
    if (file_read(file_ops_real(), path, OPCUA_USER_FILE_MAX, bytes, size, &why) != 0) {
        err_set(&device->broken, BUSBAR_ECONFIG, "the user's certificate cannot be read: %.200s",
                why.message);
    }
}

static void forget_secrets(struct opcua_device *device)
{
    if (device->password != NULL) {
        OPENSSL_cleanse(device->password, strlen(device->password));
    }
    if (device->key != NULL) {
        OPENSSL_cleanse(device->key, device->link.user_key_bytes);
    }
    busbar_free(device->password);
    busbar_free(device->certificate);
    busbar_free(device->key);
    device->password = device->certificate = device->key = NULL;
}

/* Secrets and files as they are now. */
static void fill_link(struct opcua_device *device)
{
    const struct opcua_config *config = &device->config;
    struct opcua_link_config *link = &device->link;
    forget_secrets(device);
    *link = (struct opcua_link_config){
        .url_count = config->url_count,
        .automatic = config->automatic,
        .mode = config->mode,
        .policy = config->policy,
        .device = device->dev->name,
        .server_name = config->server_name,
        .user = config->user,
        .clear_password = config->clear_password,
        .locale = config->locale,
        .timeout_us = config->timeout_us,
        .session_timeout_us = config->session_timeout_us,
        .keep_alive_us = config->keep_alive_us,
    };
    for (size_t i = 0; i < config->url_count; i++) {
        link->urls[i] = config->urls[i];
    }
    device->broken = (struct err){ 0 };
    if (config->password_secret != NULL) {
        device->password = busbar_strdup(driver_secret(device->drv, config->password_secret));
        link->password = device->password;
        if (link->password == NULL) {
            err_set(&device->broken, BUSBAR_ECONFIG,
                    "the password is not there: set it with 'busbar secret set %s'",
                    config->password_secret);
        }
    }
    if (config->certificate != NULL) {
        read_user_file(device, config->certificate, &device->certificate,
                       &link->user_certificate_bytes);
        read_user_file(device, config->key, &device->key, &link->user_key_bytes);
        link->user_certificate = device->certificate;
        link->user_key = device->key;
    }
}

int opcua_device_add(struct opcua_device *device, struct err *err)
{
    int error = opcua_config_read(device->dev->settings, &device->config, err);
    if (error != 0) {
        return error;
    }
    list_init(&device->jobs);
    list_init(&device->spare_jobs);
    list_init(&device->tests);
    arena_init(&device->arena, 0);
    fill_link(device);
    device->browses = opcua_browses_new(device->state->thread, driver_trust(device->drv),
                                        &device->link);
    error = opcua_features_init(&device->features, device->dev, &device->config, &device->arena);
    return error == 0 ? 0 : err_set(err, error, "%s", err_text(error));
}

static uint32_t limit(const struct opcua_device *device, const char *name)
{
    int64_t value;
    return driver_limit_get(device->dev, name, &value) && value > 0 && value < UINT32_MAX
               ? (uint32_t)value
               : 0;
}

/* Empty publishing intervals until the server speaks all the same. */
static uint32_t keep_alive(const struct opcua_config *config)
{
    int64_t count = config->keep_alive_us / config->publishing_us;
    return count < 1 ? 1 : count < UINT16_MAX ? (uint32_t)count : UINT16_MAX;
}

void opcua_device_start(struct opcua_device *device)
{
    static void (*const parts[])(struct opcua_peer * peer) = {
        opcua_access_part, opcua_subscribe_part, opcua_alarm_part,
        opcua_method_part, opcua_history_part,   NULL,
    };
    fill_link(device);
    struct opcua_peer_config config = {
        .name = device->dev->name,
        .link = device->link,
        .addresses = device->dev->addresses,
        .point_count = device->dev->point_count,
        .publishing_us = device->config.publishing_us,
        .check_us = device->config.check_us,
        .items_max = limit(device, "items-per-call"),
        .reads_max = limit(device, "nodes-per-read"),
        .filled_until_us = (int64_t)limit(device, OPCUA_HISTORY_LIMIT) * 1000000,
        .keep_alive = keep_alive(&device->config),
        .force_polling = device->config.force_polling,
        .broken = device->broken.code != 0 ? device->broken.message : NULL,
        .parts = parts,
        .driver = &device->features,
    };
    device->started = true;
    device->peer = opcua_peer_new(device->state->thread, driver_trust(device->drv), &config, &home,
                                  device);
    opcua_thread_do(device->state->thread, opcua_peer_open, device->peer);
}

static void browses_stopped(void *ctx)
{
    opcua_device_ended(ctx);
}

void opcua_device_stop(struct opcua_device *device)
{
    device->started = false;
    device->up = false;
    device->open_ends = 2; /* the peer, and this function */
    opcua_thread_do(device->state->thread, opcua_peer_close, device->peer);
    device->peer = NULL;
    opcua_tests_stop(device);
    if (!opcua_browses_stop(device->browses, browses_stopped, device)) {
        device->open_ends++;
    }
    opcua_device_ended(device);
}

void opcua_device_ended(struct opcua_device *device)
{
    if (!device->started && --device->open_ends == 0) {
        driver_stopped(device->dev);
    }
}

void opcua_device_remove(struct opcua_device *device)
{
    opcua_requests_free(device);
    opcua_browses_free(device->browses);
    busbar_free(device->application_uri);
    busbar_free(device->server_name);
    forget_secrets(device);
    arena_fini(&device->arena);
}
