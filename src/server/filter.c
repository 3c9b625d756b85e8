/* SPDX-License-Identifier: Apache-2.0 */
/* Cheap conditions first; the source, which the driver has to write out, last. */
#include "server/filter.h"

#include <string.h>

#include "base/str.h"

static int parse_quality(const char *word, struct filter *filter, struct err *err)
{
    static const enum quality_class classes[] = { QUALITY_CLASS_GOOD, QUALITY_CLASS_UNCERTAIN,
                                                  QUALITY_CLASS_BAD };
    static const char *const words[] = { "good", "uncertain", "bad" };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(word, words[i]) == 0) {
            filter->has_quality = true;
            filter->quality = classes[i];
            return 0;
        }
    }
    err_set(err, BUSBAR_EINVAL, "'%s' is no quality", word);
    return err_hint(err, "good, uncertain or bad");
}

static int parse_words(const char *q, struct filter *filter, struct err *err)
{
    static const char quality[] = "quality:";
    if (!str_copy(filter->text, sizeof(filter->text), q)) {
        return err_set(err, BUSBAR_ELIMIT, "'q' is too long");
    }
    for (char *at = filter->text; *at != '\0';) {
        at += strspn(at, " ");
        size_t size = strcspn(at, " ");
        char *word = at;
        at += size + (at[size] == ' ' ? 1 : 0);
        word[size] = '\0';
        if (str_starts(word, quality)) {
            int error = parse_quality(word + sizeof(quality) - 1, filter, err);
            if (error != 0) {
                return error;
            }
        } else if (size > 0) {
            if (filter->word_count == FILTER_WORDS_MAX) {
                return err_set(err, BUSBAR_ELIMIT, "'q' has more than %d words", FILTER_WORDS_MAX);
            }
            filter->words[filter->word_count++] = word;
        }
    }
    return 0;
}

static int copy(char *to, size_t size, const char *from, const char *name, struct err *err)
{
    return from == NULL || str_copy(to, size, from)
               ? 0
               : err_set(err, BUSBAR_ELIMIT, "'%s' is too long", name);
}

/* A pattern like "meter-1/p*" can only match points of one device. */
static void narrow(struct filter *filter)
{
    size_t size = strcspn(filter->match, "/*?");
    if (filter->device[0] != '\0') {
        str_copy(filter->only, sizeof(filter->only), filter->device);
    } else if (filter->match[size] == '/' && size < sizeof(filter->only)) {
        memcpy(filter->only, filter->match, size);
        filter->only[size] = '\0';
    }
}

int filter_parse(const struct server_request *req, struct filter *filter, struct err *err)
{
    *filter = (struct filter){ 0 };
    const char *q = server_query(req, "q");
    const char *quality = server_query(req, "quality");
    int error = copy(filter->match, sizeof(filter->match), server_query(req, "match"), "match",
                     err);
    if (error == 0) {
        error = copy(filter->device, sizeof(filter->device), server_query(req, "device"), "device",
                     err);
    }
    if (error == 0) {
        error = copy(filter->reason, sizeof(filter->reason), server_query(req, "reason"), "reason",
                     err);
    }
    if (error == 0 && q != NULL) {
        error = parse_words(q, filter, err);
    }
    if (error == 0 && quality != NULL && quality[0] != '\0') {
        error = parse_quality(quality, filter, err);
    }
    filter->writable = server_query_bool(req, "writable");
    if (strcmp(filter->match, "*") == 0) {
        filter->match[0] = '\0';
    }
    filter->trivial = filter->match[0] == '\0' && filter->reason[0] == '\0' &&
                      filter->word_count == 0 && !filter->has_quality && !filter->writable;
    narrow(filter);
    return error;
}

const char *filter_only(const struct filter *filter)
{
    return filter->only[0] != '\0' ? filter->only : NULL;
}

static bool has_words(const struct filter *filter, struct shape *shape, const struct point *pt,
                      const char *path)
{
    const char *source = NULL;
    for (size_t i = 0; i < filter->word_count; i++) {
        const char *word = filter->words[i];
        if (strcasestr(path, word) != NULL || strcasestr(pt->title, word) != NULL ||
            strcasestr(pt->cls->units, word) != NULL) {
            continue;
        }
        if (source == NULL) {
            source = shape_source(shape, pt);
        }
        if (strcasestr(source, word) == NULL) {
            return false;
        }
    }
    return true;
}

/* "device/point"; by hand, since a million of them may be looked at. */
static void write_path(const struct point *pt, char path[DEVICE_NAME_MAX + POINT_NAME_MAX + 2])
{
    size_t device_size = strnlen(pt->device->name, DEVICE_NAME_MAX);
    size_t size = strnlen(pt->name, POINT_NAME_MAX);
    memcpy(path, pt->device->name, device_size);
    path[device_size] = '/';
    memcpy(path + device_size + 1, pt->name, size);
    path[device_size + 1 + size] = '\0';
}

bool filter_but_reason(const struct filter *filter, struct shape *shape, const struct point *pt)
{
    if ((filter->has_quality && quality_class(pt->last.quality) != filter->quality) ||
        (filter->writable && !pt->writable) ||
        (filter->device[0] != '\0' && strcmp(pt->device->name, filter->device) != 0)) {
        return false;
    }
    if (filter->match[0] == '\0' && filter->word_count == 0) {
        return true;
    }
    char path[DEVICE_NAME_MAX + POINT_NAME_MAX + 2];
    write_path(pt, path);
    return (filter->match[0] == '\0' || str_glob(filter->match, path)) &&
           has_words(filter, shape, pt, path);
}

bool filter_reason(const struct filter *filter, const struct point *pt)
{
    return filter->reason[0] == '\0' ||
           strcmp(filter->reason, quality_reason(pt->last.quality)) == 0;
}

bool filter_point(const struct filter *filter, struct shape *shape, const struct point *pt)
{
    return filter_reason(filter, pt) && filter_but_reason(filter, shape, pt);
}
