/* SPDX-License-Identifier: Apache-2.0 */
/* What is said about a write or a release: what happened, and what to do. */
#include "base/str.h"
#include "driver/write.h"

static void append_value(struct buf *out, const struct point *pt, uint8_t type, union value value)
{
    const char *name = type == VALUE_INT    ? point_enum_name(pt->cls, value.i)
                       : type == VALUE_BOOL ? point_enum_name(pt->cls, value.b)
                                            : NULL;
    if (name != NULL) {
        buf_append_text(out, name);
        return;
    }
    value_print(type, value, out);
    if (pt->cls->units[0] != '\0' && type != VALUE_TEXT && type != VALUE_NONE) {
        buf_printf(out, " %s", pt->cls->units);
    }
}

static const char *explain(const struct write *write, uint16_t detail)
{
    const struct driver_ops *ops = write->hd->driver->ops;
    const char *text = detail != 0 && ops->explain != NULL ? ops->explain(detail) : NULL;
    return text != NULL ? text : "the device answered that it will not";
}

void write_say_sent(const struct write *write, int error, struct buf *out)
{
    switch (error) {
    case 0:
        buf_printf(out, "%s; this point cannot be read back",
                   write->how.release ? "released" : "written");
        break;
    case BUSBAR_EREFUSED:
        buf_printf(out, "refused: %s", explain(write, write->result.detail));
        break;
    case BUSBAR_ERANGE:
        buf_append_text(out, "not sent: the value does not fit the type the device has for it");
        break;
    case BUSBAR_ETIMEOUT:
        buf_printf(out,
                   "no answer in time; whether the device took the %s is not known: "
                   "look at the point before you write again",
                   write->how.release ? "release" : "value");
        break;
    case BUSBAR_ENOTCONN:
    case BUSBAR_ECONNREFUSED:
    case BUSBAR_EROUTE:
    case BUSBAR_EHOST:
    case BUSBAR_EAUTH:
    case BUSBAR_EUNTRUSTED: {
        const char *why = write->hd->stats.link == LINK_DOWN ? write->hd->stats.detail : "";
        buf_printf(out, "not sent: %s", why[0] != '\0' ? why : err_text(error));
        break;
    }
    case BUSBAR_ECANCELED:
        buf_append_text(out, "the device was stopped before it answered; whether it took the value "
                             "is not known");
        break;
    default:
        buf_printf(out, "failed: %s; look at the point before you write again", err_text(error));
    }
}

static void say_equal(const struct write *write, struct buf *out)
{
    char took[32], last[32];
    str_format_duration(took, sizeof(took), (write->result.took_us + 999) / 1000 * 1000);
    if (write->how.release) {
        buf_printf(out, "released at priority %u, the device now says ", write->result.priority);
    } else {
        buf_append_text(out, "written, read back ");
    }
    append_value(out, write->pt, write->sample.type, write->sample.value);
    buf_printf(out, " after %s", took);
    if (write->for_us > 0) {
        str_format_duration(last, sizeof(last), write->for_us);
        buf_printf(out, "; it is released by itself in %s", last);
    }
}

void write_say_read_back(const struct write *write, int error, struct buf *out)
{
    if (error == 0 && write->result.error == 0) {
        say_equal(write, out);
    } else if (error == 0) {
        buf_append_text(out, "the device took the write but reads back ");
        append_value(out, write->pt, write->sample.type, write->sample.value);
        buf_append_text(out, " instead of ");
        append_value(out, write->pt, write->asked.type, write->asked.value);
        if (write->result.priority > 1) {
            buf_printf(out,
                       ": something holds the point at a higher priority than %u, or the device "
                       "limits the value",
                       write->result.priority);
        } else {
            buf_append_text(out, ": it limits the value, or something else writes it too");
        }
    } else {
        buf_printf(out, "the device took the %s, but it could not be read back: %s",
                   write->how.release ? "release" : "write", err_text(error));
    }
}

void write_say_heard(const struct write *write, int error, struct buf *out)
{
    char took[32];
    str_format_duration(took, sizeof(took), (write->result.took_us + 999) / 1000 * 1000);
    if (error != 0) {
        buf_append_text(out, "sent; the device was stopped before it reported the value");
    } else if (!write->heard) {
        buf_append_text(out, "sent; the device has not reported the value yet");
    } else if (write->result.error == 0) {
        buf_append_text(out, "written, the device reports ");
        append_value(out, write->pt, write->sample.type, write->sample.value);
        buf_printf(out, " after %s", took);
    } else {
        buf_append_text(out, "sent, but the device reports ");
        append_value(out, write->pt, write->sample.type, write->sample.value);
        buf_append_text(out, " instead of ");
        append_value(out, write->pt, write->asked.type, write->asked.value);
        buf_append_text(out, ": it limits the value, it needs longer, or something else writes it "
                             "too");
    }
}

void write_say_not_kept(int error, struct buf *out)
{
    if (error == BUSBAR_ECANCELED) {
        buf_append_text(out, "not sent: the device was stopped");
        return;
    }
    buf_printf(out,
               "not sent: that it must be released by itself could not be kept on disk (%s); free "
               "some space, or write without an end",
               err_text(error));
}
