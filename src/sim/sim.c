/* SPDX-License-Identifier: Apache-2.0 */
/* Devices, faults, and what is typed while it runs. */
#include "sim/sim.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "driver/convert.h"
#include "sim/sim_private.h"

/* ---- life ---- */

static void notice(struct sim_device *sd, int64_t now_us)
{
    enum sim_fault_kind kind = sim_fault_now(&sd->fault, now_us);
    uint32_t traits = sim_fault_traits_now(&sd->fault, now_us);
    if (kind != sd->now || traits != sd->traits) {
        sd->now = kind;
        sd->traits = traits;
        sd->protocol->ops->changed(sd);
    }
}

static void tick(struct timer *timer, void *ctx)
{
    (void)timer;
    struct sim *sim = ctx;
    int64_t now_us = loop_now_us(sim->loop);
    if (sim->faulty == 0) {
        return;
    }
    list_each(at, &sim->devices) {
        notice(list_entry(at, struct sim_device, link), now_us);
    }
}

struct sim *sim_new(struct loop *loop, uint64_t seed)
{
    struct sim *sim = busbar_alloc(sizeof(*sim));
    sim->loop = loop;
    sim->seed = seed;
    list_init(&sim->protocols);
    list_init(&sim->devices);
    list_init(&sim->controls);
    map_init(&sim->by_name);
    timer_init(&sim->tick, loop, tick, sim);
    timer_start(&sim->tick, SIM_TICK_MS, SIM_TICK_MS);
    return sim;
}

void sim_free(struct sim *sim)
{
    if (sim == NULL) {
        return;
    }
    timer_stop(&sim->tick);
    sim_control_close_all(sim);
    list_each_safe(at, &sim->devices) {
        struct sim_device *sd = list_entry(at, struct sim_device, link);
        sd->protocol->ops->remove(sd);
        busbar_free(sd->state);
        busbar_free(sd);
    }
    list_each_safe(at, &sim->protocols) {
        struct sim_protocol *protocol = list_entry(at, struct sim_protocol, link);
        if (protocol->ops->close != NULL) {
            protocol->ops->close(protocol->state);
        }
        busbar_free(protocol->state);
        busbar_free(protocol);
    }
    map_fini(&sim->by_name);
    busbar_free(sim);
}

/* ---- devices ---- */

struct sim_protocol *sim_protocol_get(struct sim *sim, const char *name)
{
    list_each(at, &sim->protocols) {
        struct sim_protocol *protocol = list_entry(at, struct sim_protocol, link);
        if (strcmp(protocol->ops->protocol, name) == 0) {
            return protocol;
        }
    }
    const struct sim_ops *ops = sim_catalog_find(name);
    if (ops == NULL) {
        return NULL;
    }
    struct sim_protocol *protocol = busbar_alloc(sizeof(*protocol));
    protocol->ops = ops;
    protocol->state = busbar_alloc(ops->state_bytes);
    list_append(&sim->protocols, &protocol->link);
    return protocol;
}

void sim_use_config(struct sim *sim, const struct config *config)
{
    sim->config = config;
}

const struct setup *sim_setup(const struct sim *sim, const char *protocol)
{
    const struct config_driver *driver = sim->config != NULL ? config_driver(sim->config, protocol)
                                                             : NULL;
    return driver != NULL ? driver->setup : NULL;
}

void sim_use_secrets(struct sim *sim, const struct secrets *secrets)
{
    sim->secrets = secrets;
}

const char *sim_secret(const struct sim *sim, const char *name)
{
    const char *value = name != NULL && sim->secrets != NULL ? secrets_get(sim->secrets, name)
                                                             : NULL;
    return value != NULL ? value : name;
}

int sim_add(struct sim *sim, struct device *dev, struct err *err)
{
    struct sim_protocol *protocol = sim_protocol_get(sim, dev->protocol);
    if (protocol == NULL) {
        return err_set(err, BUSBAR_EUNSUPPORTED, "there is no simulator for '%s'", dev->protocol);
    }
    if (sim->by_name.count >= SIM_DEVICES_MAX) {
        return err_set(err, BUSBAR_ELIMIT, "more than %d devices", SIM_DEVICES_MAX);
    }
    struct sim_device *sd = busbar_alloc(sizeof(*sd));
    sd->sim = sim;
    sd->protocol = protocol;
    sd->dev = dev;
    sd->state = busbar_alloc(protocol->ops->device_bytes);
    int error = protocol->ops->add(sd, err);
    if (error != 0) {
        busbar_free(sd->state);
        busbar_free(sd);
        return error;
    }
    list_append(&sim->devices, &sd->link);
    map_set(&sim->by_name, dev->name, sd);
    return 0;
}

size_t sim_count(const struct sim *sim)
{
    return sim->by_name.count;
}

enum sim_fault_kind sim_request(struct sim_device *sd)
{
    enum sim_fault_kind kind = sim_fault_draw(&sd->fault, loop_now_us(sd->sim->loop));
    sd->requests++;
    sd->hits += kind != SIM_FAULT_NONE ? 1 : 0;
    return kind;
}

/* ---- faults ---- */

static bool is_fault(const struct sim_fault *fault)
{
    return fault->kind != SIM_FAULT_NONE || fault->traits != 0;
}

static bool knows(const struct sim_ops *ops, const struct sim_fault *fault)
{
    return ((ops->fault_kinds | SIM_FAULT_BIT(NONE)) >> fault->kind & 1) != 0 &&
           (fault->traits & ~ops->fault_traits) == 0;
}

static int say_unfit(const struct sim_device *sd, const struct sim_fault *fault, struct err *err)
{
    struct buf words;
    buf_init(&words, SIM_LINE_MAX);
    sim_fault_print(fault, &words);
    err_set(err, BUSBAR_EUNSUPPORTED, "'%s' is no fault of a %s device like '%s'", buf_text(&words),
            sd->dev->protocol, sd->dev->name);
    buf_clear(&words);
    sim_fault_list(sd->protocol->ops->fault_kinds, sd->protocol->ops->fault_traits, &words);
    err_hint(err, "faults: none %s", buf_text(&words));
    buf_fini(&words);
    return BUSBAR_EUNSUPPORTED;
}

static void set_fault(struct sim_device *sd, const struct sim_fault *fault)
{
    struct sim *sim = sd->sim;
    sim->faulty -= is_fault(&sd->fault) ? 1 : 0;
    sim->faulty += is_fault(fault) ? 1 : 0;
    sd->fault = *fault;
    sd->fault.random ^= (uint64_t)(uintptr_t)sd->dev->name;
    notice(sd, loop_now_us(sim->loop));
}

int sim_fault(struct sim *sim, const char *text, struct err *err)
{
    char pattern[DEVICE_NAME_MAX + 1];
    struct sim_fault fault;
    const char *equals = strchr(text, '=');
    size_t size = equals != NULL ? (size_t)(equals - text) : 0;
    if (size == 0 || size > DEVICE_NAME_MAX) {
        err_set(err, BUSBAR_ESYNTAX, "'%.60s' names no device", text);
        err_hint(err, "write DEVICE=FAULT, as in meter-1=silence,for=10s");
        return BUSBAR_ESYNTAX;
    }
    str_format(pattern, sizeof(pattern), "%.*s", (int)size, text);
    int error = sim_fault_parse(equals + 1, loop_now_us(sim->loop), &fault, err);
    if (error != 0) {
        return error;
    }
    size_t found = 0;
    struct sim_device *unfit = NULL;
    list_each(at, &sim->devices) {
        struct sim_device *sd = list_entry(at, struct sim_device, link);
        if (!str_glob(pattern, sd->dev->name)) {
            continue;
        }
        if (knows(sd->protocol->ops, &fault)) {
            set_fault(sd, &fault);
            found++;
        } else {
            unfit = sd;
        }
    }
    if (found == 0 && unfit != NULL) {
        return say_unfit(unfit, &fault, err);
    }
    return found > 0 ? 0 : err_set(err, BUSBAR_ENOENT, "no device '%s' is simulated", pattern);
}

/* ---- lines ---- */

static void say_error(const struct err *err, struct buf *out)
{
    buf_printf(out, "error: %s", err->message);
    buf_printf(out, "%s%s\n", err->hint[0] != '\0' ? "; " : "", err->hint);
}

static void list_faults(struct sim *sim, struct buf *out)
{
    size_t listed = 0;
    list_each(at, &sim->devices) {
        struct sim_device *sd = list_entry(at, struct sim_device, link);
        if (!is_fault(&sd->fault)) {
            continue;
        }
        buf_printf(out, "%s%s=", listed++ > 0 ? "; " : "", sd->dev->name);
        sim_fault_print(&sd->fault, out);
        buf_printf(out, " (%llu of %llu requests)", (unsigned long long)sd->hits,
                   (unsigned long long)sd->requests);
    }
    buf_append_text(out, listed > 0 ? "\n" : "no faults\n");
}

/* The faults of the protocols that are simulated. */
static void list_known(struct sim *sim, struct buf *out)
{
    struct buf words;
    uint32_t kinds = SIM_FAULT_BIT(NONE), traits = 0;
    list_each(at, &sim->protocols) {
        const struct sim_ops *ops = list_entry(at, struct sim_protocol, link)->ops;
        kinds |= ops->fault_kinds;
        traits |= ops->fault_traits;
    }
    buf_init(&words, SIM_LINE_MAX);
    sim_fault_list(kinds, traits, &words);
    buf_append_text(out, buf_text(&words));
    buf_fini(&words);
}

/* A number, true or false, or a text. `text` holds the memory of a text. */
static uint8_t read_value(const char *word, struct text **text, union value *value)
{
    *text = NULL;
    value->bits = 0;
    if (str_parse_i64(word, &value->i) == 0) {
        return VALUE_INT;
    }
    if (str_parse_double(word, &value->d) == 0) {
        return VALUE_DOUBLE;
    }
    if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0) {
        value->b = word[0] == 't';
        return VALUE_BOOL;
    }
    *text = text_new(word, strlen(word));
    value->text = *text;
    return VALUE_TEXT;
}

static int hold_value(struct sim_device *sd, uint32_t index, const char *word, struct err *err)
{
    const struct sim_ops *ops = sd->protocol->ops;
    struct convert_asked asked;
    struct text *text;
    union value value;
    if (strcmp(word, "auto") == 0) {
        value.bits = 0;
        return ops->hold(sd, index, VALUE_NONE, value);
    }
    struct point pt = sd->dev->points[index];
    struct point_class cls = *pt.cls;
    cls.write = (struct point_write){ .allowed = true }; /* here limits are for breaking */
    pt.cls = &cls;
    uint8_t type = read_value(word, &text, &value);
    int error = convert_out(&pt, type, value, &asked, err);
    if (error == 0) {
        error = ops->hold(sd, index, asked.raw_type, asked.raw);
        if (error != 0) {
            err_set(err, error, "'%s' does not fit the point: %s", word, err_text(error));
        }
    }
    busbar_free(text);
    return error;
}

static int set_point(struct sim *sim, char *rest, struct err *err)
{
    char *path = strsep(&rest, " ");
    char *slash = strchr(path, '/');
    if (slash == NULL || rest == NULL || *rest == '\0') {
        return err_set(err, BUSBAR_ESYNTAX, "write: set DEVICE/POINT VALUE");
    }
    *slash = '\0';
    struct sim_device *sd = map_get(&sim->by_name, path);
    struct point *pt = sd != NULL ? device_point(sd->dev, slash + 1) : NULL;
    if (pt == NULL) {
        return err_set(err, BUSBAR_ENOENT, "no point '%s/%s' is simulated", path, slash + 1);
    }
    return hold_value(sd, (uint32_t)(pt - sd->dev->points), str_trim(rest), err);
}

/* "DEVICE WORDS"; DEVICE may hold * and ?. */
static int tell_devices(struct sim *sim, bool confirmed, char *rest, struct err *err)
{
    char *pattern = strsep(&rest, " ");
    const char *verb = confirmed ? "inform" : "trap";
    size_t found = 0;
    int error = 0;
    if (rest == NULL || *rest == '\0') {
        return err_set(err, BUSBAR_ESYNTAX, "write: %s DEVICE NAME [POINT] [every=10s] [count=5]",
                       verb);
    }
    list_each(at, &sim->devices) {
        struct sim_device *sd = list_entry(at, struct sim_device, link);
        if (error != 0 || !str_glob(pattern, sd->dev->name)) {
            continue;
        }
        found++;
        error = sd->protocol->ops->tell != NULL
                    ? sd->protocol->ops->tell(sd, confirmed, str_trim(rest), err)
                    : err_set(err, BUSBAR_EUNSUPPORTED, "'%s' is a %s device: it is only asked",
                              sd->dev->name, sd->dev->protocol);
    }
    return found > 0 ? error : err_set(err, BUSBAR_ENOENT, "no device '%s' is simulated", pattern);
}

static bool is_verb(const char *text, const char *verb)
{
    size_t size = strlen(verb);
    return str_starts(text, verb) && (text[size] == ' ' || text[size] == '\0');
}

static int say_told(struct sim *sim, const char *name, struct buf *out, struct err *err)
{
    const struct sim_device *sd = map_get(&sim->by_name, name);
    if (sd == NULL || sd->protocol->ops->told == NULL) {
        return err_set(err, BUSBAR_ENOENT, "'%s' is no device that tells something by itself",
                       name);
    }
    sd->protocol->ops->told(sd, out);
    buf_append_text(out, "\n");
    return 0;
}

void sim_command(struct sim *sim, const char *line, struct buf *out)
{
    char copy[SIM_LINE_MAX];
    struct err err = { 0 };
    int error = 0;
    if (!str_copy(copy, sizeof(copy), line)) {
        buf_append_text(out, "error: the line is too long\n");
        return;
    }
    char *text = str_trim(copy);
    if (strcmp(text, "list") == 0) {
        list_faults(sim, out);
        return;
    }
    if (strcmp(text, "help") == 0) {
        buf_append_text(out, "DEVICE=FAULT (");
        list_known(sim, out);
        buf_append_text(out, "; then ,for=10s,every=60s,rate=10%) | set DEVICE/POINT VALUE|auto | "
                             "trap|inform DEVICE NAME [POINT] [every=10s] [count=5] | "
                             "told DEVICE | list\n");
        return;
    }
    if (str_starts(text, "set ")) {
        error = set_point(sim, text + 4, &err);
    } else if (is_verb(text, "trap")) {
        error = tell_devices(sim, false, str_trim(text + 4), &err);
    } else if (is_verb(text, "inform")) {
        error = tell_devices(sim, true, str_trim(text + 6), &err);
    } else if (str_starts(text, "told ")) {
        error = say_told(sim, str_trim(text + 5), out, &err);
        if (error == 0) {
            return;
        }
    } else {
        error = sim_fault(sim, text, &err);
    }
    if (error != 0) {
        say_error(&err, out);
    } else {
        buf_append_text(out, "ok\n");
    }
}
