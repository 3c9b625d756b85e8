/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Serial lines through termios2, whose BOTHER takes any baud rate; its header forbids <termios.h>.
 *
 * Taken exclusively twice: TIOCEXCL keeps other programs out, but not root's; the flock does for all that ask, another
 * busbar among them. Parity errors pass (the frame's checksum finds them and names the trouble);
 * breaks are ignored. Low latency where the driver knows it: USB adapters hold bytes back for 16 ms.
 */
#include "net/serial.h"

#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/serial.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"

enum { BAUD_DEFAULT = 9600, BAUD_TOLERANCE_PERCENT = 3 };

static int refuse(int fd, int code, char *reason, size_t size, const char *path, const char *why)
{
    (void)str_format(reason, size, "cannot open %s: %s", path, why);
    if (fd >= 0) {
        (void)close(fd);
    }
    return code;
}

static void set_low_latency(int fd)
{
    struct serial_struct line;
    if (ioctl(fd, TIOCGSERIAL, &line) == 0) {
        line.flags |= (int)ASYNC_LOW_LATENCY;
        (void)ioctl(fd, TIOCSSERIAL, &line);
    }
}

/* 0, or a code when the line does not take the settings. */
static int set_line(int fd, const struct stream_serial *serial, uint32_t *got_baud)
{
    struct termios2 line;
    if (ioctl(fd, TCGETS2, &line) != 0) {
        return err_from_errno(errno);
    }
    uint32_t baud = serial->baud > 0 ? serial->baud : BAUD_DEFAULT;
    line.c_iflag = IGNBRK | IGNPAR;
    line.c_oflag = 0;
    line.c_lflag = 0;
    line.c_cflag = CREAD | CLOCAL | BOTHER | (unsigned)BOTHER << IBSHIFT;
    line.c_cflag |= serial->data_bits == 7 ? CS7 : CS8;
    line.c_cflag |= serial->stop_bits == 2 ? CSTOPB : 0;
    line.c_cflag |= serial->parity != STREAM_PARITY_NONE ? PARENB : 0;
    line.c_cflag |= serial->parity == STREAM_PARITY_ODD ? PARODD : 0;
    line.c_ispeed = baud;
    line.c_ospeed = baud;
    memset(line.c_cc, 0, sizeof(line.c_cc));
    line.c_cc[VMIN] = 1; /* so that a read of nothing is EAGAIN, and 0 means: unplugged */
    if (ioctl(fd, TCSETS2, &line) != 0 || ioctl(fd, TCGETS2, &line) != 0) {
        return err_from_errno(errno);
    }
    uint64_t off = line.c_ospeed > baud ? line.c_ospeed - baud : baud - line.c_ospeed;
    *got_baud = line.c_ospeed;
    return off * 100 > (uint64_t)baud * BAUD_TOLERANCE_PERCENT ? BUSBAR_EUNSUPPORTED : 0;
}

static const char *open_reason(int error_number)
{
    switch (error_number) {
    case ENOENT: return "no such device (is the adapter plugged in?)";
    case EACCES:
    case EPERM: return "not permitted (is the user in the group that owns it, often dialout?)";
    case EBUSY: return "in use by another program";
    case ENXIO:
    case ENODEV:
    case EIO: return "the device does not answer";
    default: return err_text(err_from_errno(error_number));
    }
}

int serial_open(const struct stream_serial *serial, char *reason, size_t reason_size)
{
    const char *path = serial->path;
    int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        int error_number = errno;
        return refuse(-1, err_from_errno(error_number), reason, reason_size, path,
                      open_reason(error_number));
    }
    if (!isatty(fd)) {
        return refuse(fd, BUSBAR_EINVAL, reason, reason_size, path, "not a serial line");
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        return refuse(fd, BUSBAR_EBUSY, reason, reason_size, path, open_reason(EBUSY));
    }
    uint32_t got_baud = 0;
    int error = set_line(fd, serial, &got_baud);
    if (error == BUSBAR_EUNSUPPORTED) {
        char why[80];
        (void)str_format(why, sizeof(why), "it cannot do %u baud (nearest: %u)", serial->baud,
                         got_baud);
        return refuse(fd, error, reason, reason_size, path, why);
    }
    if (error != 0) {
        return refuse(fd, error, reason, reason_size, path, err_text(error));
    }
    (void)ioctl(fd, TIOCEXCL);
    set_low_latency(fd);
    serial_discard_input(fd);
    return fd;
}

void serial_close(int fd)
{
    (void)ioctl(fd, TCFLSH,
                TCOFLUSH); /* else close() may wait 30 s for a line that does not move */
    (void)ioctl(fd, TIOCNXCL);
    (void)close(fd);
}

void serial_discard_input(int fd)
{
    (void)ioctl(fd, TCFLSH, TCIFLUSH);
}
