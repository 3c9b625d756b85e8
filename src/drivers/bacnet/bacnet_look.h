/* SPDX-License-Identifier: Apache-2.0 */
/* What a browse knows of one object: which properties it asks for, what came, and the node and the
 * proposal of a point that are made of it. Private to browsing (bacnet_browse.c). */
#ifndef BUSBAR_DRIVERS_BACNET_LOOK_H
#define BUSBAR_DRIVERS_BACNET_LOOK_H

#include "base/arena.h"
#include "driver/driver.h"
#include "drivers/bacnet/bacnet_fetch.h"

enum {
    BACNET_LOOK_ITEMS = 20,     /* properties asked of an object, at most */
    BACNET_LOOK_TEXT_MAX = 512, /* bytes of a text that is kept */
};

struct bacnet_look {
    struct bacnet_object object;
    struct arena *arena; /* of its texts */
    const char *name, *description;
    const char *texts[POINT_ENUM_MAX]; /* of states: of binary objects 0 and 1, else from 1 on */
    size_t text_count;
    uint32_t units;
    float min, max, low_limit, high_limit, increment;
    uint32_t states; /* number of */
    uint32_t reliability;
    uint8_t flags; /* enum bacnet_status_flag */
    bool has_units, has_min, has_max, has_low, has_high, has_increment, has_flags;
    bool commandable; /* has a priority array */
    bool answered;    /* anything of it was read */
    bool has_value;   /* present-value was told */
    uint16_t refused; /* why it was not: a detail */
    struct sample value;
    const char *value_text; /* where value is none */
    struct text *text;      /* memory of a string; freed by bacnet_look_fini() */
};

void bacnet_look_init(struct bacnet_look *look, struct bacnet_object object, struct arena *arena);
void bacnet_look_fini(struct bacnet_look *look);

/* What is to be asked of it; returns how many. */
size_t bacnet_look_items(struct bacnet_object object,
                         struct bacnet_fetch_item items[BACNET_LOOK_ITEMS]);
void bacnet_look_take(struct bacnet_look *look, const struct bacnet_fetched *fetched);

/* log: "trend-log:3" that logs its present-value, NULL = none; cov: the device tells changes. */
void bacnet_look_tell(const struct bacnet_look *look, struct driver_browse *browse,
                      const char *parent, const char *log, bool cov);

/* A legal name of a point: lower case, '-' for what is no letter or digit. Returns the length; 0:
 * nothing is left of it. */
size_t bacnet_look_slug(const char *text, char *to, size_t size);
/* "degC"; the standard's name of a unit that has no symbol; NULL: none. */
const char *bacnet_look_units(uint32_t units);
/* Text in quotes as YAML and JSON read it. */
void bacnet_look_quote(struct buf *out, const char *text);

#endif
