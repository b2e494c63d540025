#include "rootfs/init/say.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The console is the serial port where there is one, and a person looks at the screen: both are
 * told. -1 when the screen is the console, or not there. */
static int open_screen(void)
{
    unsigned screen = 0, console = 0;
    int fd = open("/dev/tty0", O_WRONLY | O_NOCTTY | O_CLOEXEC);

    if (fd < 0 || ioctl(fd, TIOCGDEV, &screen) || ioctl(STDERR_FILENO, TIOCGDEV, &console) ||
        screen != console)
        return fd;
    close(fd);
    return -1;
}

void say(const char *fmt, ...)
{
    char line[400] = "init: ";
    size_t n = strlen(line);
    int screen = open_screen();
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line + n, sizeof line - n - 1, fmt, ap);
    va_end(ap);
    n = strlen(line);
    line[n++] = '\n';
    if (write(STDERR_FILENO, line, n) < 0 || (screen >= 0 && write(screen, line, n) < 0))
        line[0] = 0; /* nobody to tell */
    if (screen >= 0)
        close(screen);
}
