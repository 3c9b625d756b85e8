/* SPDX-License-Identifier: Apache-2.0 */
/* The breaker of a device, and its link.
 *
 *     CLOSED --a poll failed, its retries too--> OPEN --back-off, 1-60 s with jitter--> PROBING
 *        ^                                        ^                                        |
 *        |                                        +----------------no answer---------------+
 *        +----------------------------------any answer-------------------------------------+
 *
 * Opening turns every point bad with the reason, once. While it is open only one poll at a time is
 * asked, another one each time, so that one that never works cannot keep the others down. A poll
 * that fails while others are answered does not open it: then only its own points are bad. */
#include <assert.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "driver/host_private.h"

bool breaker_is_silence(int error)
{
    switch (error) {
    case BUSBAR_EREFUSED:
    case BUSBAR_ETOOBIG:
    case BUSBAR_ECONFIG:
    case BUSBAR_EINVAL:
    case BUSBAR_EUNSUPPORTED:
    case BUSBAR_ERANGE:
    case BUSBAR_EWRONGTYPE:
    case BUSBAR_ENOMEM:
    case BUSBAR_ELIMIT:
    case BUSBAR_EBUSY:
    case BUSBAR_EAGAIN: return false;
    default: return true;
    }
}

bool breaker_quality(int error, uint8_t *quality)
{
    switch (error) {
    case BUSBAR_ETIMEOUT:
    case BUSBAR_EPROTO: *quality = QUALITY_NO_ANSWER; return true;
    case BUSBAR_EREFUSED:
    case BUSBAR_ETOOBIG: *quality = QUALITY_REFUSED; return true;
    case BUSBAR_ECONFIG:
    case BUSBAR_EINVAL:
    case BUSBAR_EUNSUPPORTED:
    case BUSBAR_EWRONGTYPE: *quality = QUALITY_CONFIGURATION; return true;
    case BUSBAR_ERANGE: *quality = QUALITY_OUT_OF_RANGE; return true;
    case BUSBAR_ENOMEM:
    case BUSBAR_ELIMIT:
    case BUSBAR_EBUSY:
    case BUSBAR_EAGAIN: return false; /* our trouble, not the device's */
    default: *quality = QUALITY_LINK_DOWN; return true;
    }
}

static void plan_probe(struct host_device *hd)
{
    int64_t wait_us = (int64_t)backoff_next_ms(&hd->backoff) * CLOCK_US_PER_MS;
    hd->stats.next_try_us = clock_wall_us() + wait_us;
    timer_start_us(&hd->probe, wait_us, 0);
}

/* Why there is no answer, in words: what the driver said about its link, else what happened. */
static void tell_down(struct host_device *hd, const struct poll *poll, int error)
{
    char detail[sizeof(hd->stats.detail)];
    char took[32];
    const struct driver_ops *ops = hd->driver->ops;
    const char *words = poll->detail != 0 && ops->explain != NULL ? ops->explain(poll->detail)
                                                                  : NULL;
    if (words != NULL) {
        str_copy(detail, sizeof(detail), words);
    } else if (hd->link_told && !hd->link_up && hd->link_error == error) {
        str_copy(detail, sizeof(detail), hd->stats.detail);
    } else if (error == BUSBAR_ETIMEOUT) {
        str_format_duration(took, sizeof(took),
                            (host_now(hd) - poll->began_us) / CLOCK_US_PER_MS * CLOCK_US_PER_MS);
        str_format(detail, sizeof(detail), "no answer in %s, %u %s", took, poll->tries + 1,
                   poll->tries == 0 ? "try" : "tries");
    } else {
        str_copy(detail, sizeof(detail), err_text(error));
    }
    stats_link(hd, LINK_DOWN, error, detail);
}

void breaker_failed(struct poll *poll, int error)
{
    struct host_device *hd = poll->hd;
    uint8_t quality = QUALITY_NO_ANSWER;
    if (hd->breaker == BREAKER_OPEN) { /* one that was open when another failed: known already */
        return;
    }
    if (hd->breaker == BREAKER_CLOSED) {
        hd->silent_us = host_now(hd);
    }
    hd->breaker = BREAKER_OPEN;
    poll_halt_all(hd);
    tell_down(hd, poll, error);
    plan_probe(hd);
    (void)breaker_quality(error, &quality);
    publish_bad_all(hd, quality, poll->detail);
}

static bool is_untrusted(const struct host_device *hd)
{
    return hd->stats.link == LINK_DOWN && hd->stats.error == BUSBAR_EUNTRUSTED;
}

size_t host_untrusted(const struct host *host, const char **first)
{
    size_t count = 0;
    list_each(at, &host->devices) {
        const struct host_device *hd = list_entry(at, struct host_device, link);
        if (is_untrusted(hd) && count++ == 0 && first != NULL) {
            *first = hd->dev->name;
        }
    }
    return count;
}

void host_trusted(struct host *host)
{
    list_each(at, &host->devices) {
        struct host_device *hd = list_entry(at, struct host_device, link);
        if (is_untrusted(hd)) {
            backoff_reset(&hd->backoff);
            breaker_probe_now(hd);
        }
    }
}

void breaker_probe_now(struct host_device *hd)
{
    if (hd->breaker != BREAKER_OPEN || !host_running(hd) || list_empty(&hd->polls)) {
        return;
    }
    if (hd->poll_open > 0) { /* asked before it fell silent; its end is near */
        timer_start(&hd->probe, BACKOFF_MIN_MS, 0);
        return;
    }
    timer_stop(&hd->probe);
    struct poll *poll = list_entry(list_shift(&hd->polls), struct poll, link);
    list_append(&hd->polls, &poll->link);
    hd->breaker = BREAKER_PROBING;
    hd->stats.next_try_us = 0;
    poll_make_ready(poll);
    poll_pump(hd);
    if (hd->poll_open == 0) { /* no memory for it */
        hd->breaker = BREAKER_OPEN;
        poll_halt_all(hd);
        plan_probe(hd);
    }
}

void breaker_answered(struct host_device *hd)
{
    hd->answered_us = host_now(hd);
    hd->heard = true;
    hd->stats.last_answer_us = clock_wall_us();
    if (hd->stats.link != LINK_UP && hd->run == RUN_STARTED) {
        stats_link(hd, LINK_UP, 0, "");
        holds_device_up(hd->host->holds, hd->dev);
    }
    if (hd->breaker == BREAKER_CLOSED) {
        return;
    }
    char silence[32];
    str_format_duration(silence, sizeof(silence),
                        (host_now(hd) - hd->silent_us) / CLOCK_US_PER_S * CLOCK_US_PER_S);
    busbar_log(LOG_LEVEL_INFO, "driver", hd->dev->name, "answers again after %s", silence);
    breaker_reset(hd);
    poll_resume_all(hd);
}

void breaker_reset(struct host_device *hd)
{
    hd->breaker = BREAKER_CLOSED;
    hd->stats.next_try_us = 0;
    timer_stop(&hd->probe);
    backoff_reset(&hd->backoff);
}

void driver_link(struct device *dev, bool up, int error, const char *detail)
{
    struct host_device *hd = host_of(dev);
    hd->link_told = true;
    hd->link_up = up;
    hd->link_error = up ? 0 : error;
    if (!host_running(hd)) {
        return;
    }
    if (!up && error != 0) {
        stats_link(hd, LINK_DOWN, error, detail != NULL ? detail : err_text(error));
        pushed_link_down(hd);
        if (hd->driver->ops->read == NULL) { /* nothing is polled: no poll will find it out */
            publish_bad_all(hd, QUALITY_LINK_DOWN, 0);
        }
    } else if (up && hd->breaker == BREAKER_CLOSED && !pushed_link_up(hd)) {
        stats_link(hd, LINK_UP, 0, "");
    }
}
