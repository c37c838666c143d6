/* A3, label during-checkpoint: the n-th write into the database itself (a checkpoint is the only writer there) is the
 * last thing that the process does: half of it reaches the file. HUITAINE_CRASH_AT=during-checkpoint:n */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static const char label[] = "during-checkpoint", file[] = "/huitaine.db";
static int left = -1;

static int last(int fd)
{
    char link[64], path[4096];
    const char *order = getenv("HUITAINE_CRASH_AT");
    ssize_t length;

    if (!order || strncmp(order, label, sizeof label - 1) != 0)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    length = readlink(link, path, sizeof path - 1);
    if (length < (ssize_t)sizeof file || strncmp(path + length - (sizeof file - 1), file, sizeof file - 1) != 0)
        return 0;
    if (left < 0)
        left = atoi(order + sizeof label);
    return --left == 0;
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset)
{
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    if (!real)
        real = (ssize_t(*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64");
    if (last(fd)) {
        real(fd, bytes, count / 2, offset);
        if (write(2, "crash-point during-checkpoint\n", 30) < 0)
            _exit(1);
        kill(getpid(), SIGKILL);
    }
    return real(fd, bytes, count, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset)
{
    return pwrite64(fd, bytes, count, offset);
}
