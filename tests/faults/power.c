/* A2: writes down, for files under HUITAINE_POWER_FOLDER, what was written and what was synced, so that a power cut can
 * be played afterwards. One line of the journal HUITAINE_POWER_JOURNAL per call, its bytes behind it:
 *   W path offset length\n<bytes>   T path length\n   S path\n   U path\n   R from to\n
 * A line of S is written after the sync is over: what it covers was on the disk before anybody was told.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
static int journal = -1;

#define REAL(name, type, ...)                                                                                          \
    static type (*real)(__VA_ARGS__);                                                                                  \
    if (!real)                                                                                                         \
        real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static int ours(const char *path)
{
    const char *folder = getenv("HUITAINE_POWER_FOLDER");
    size_t length = strlen(path);
    return folder && strncmp(path, folder, strlen(folder)) == 0 && !(length > 4 && !strcmp(path + length - 4, "-shm"));
}

static int path_of(int fd, char *path, size_t size)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, size - 1);
    if (length <= 0)
        return 0;
    path[length] = 0;
    return ours(path);
}

static void put(const void *bytes, size_t size)
{
    static ssize_t (*real)(int, const void *, size_t);
    if (!real)
        real = (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    while (size) {
        ssize_t done = real(journal, bytes, size);
        if (done <= 0)
            abort();
        bytes = (const char *)bytes + done;
        size -= (size_t)done;
    }
}

static void say(const char *line, const void *bytes, size_t size)
{
    pthread_mutex_lock(&one);
    if (journal < 0)
        journal = open(getenv("HUITAINE_POWER_JOURNAL"), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    put(line, strlen(line));
    if (size)
        put(bytes, size);
    pthread_mutex_unlock(&one);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset)
{
    REAL("pwrite64", ssize_t, int, const void *, size_t, off64_t);
    char path[4096], line[4200];
    if (path_of(fd, path, sizeof path)) {
        snprintf(line, sizeof line, "W %s %lld %zu\n", path, (long long)offset, count);
        say(line, bytes, count);
    }
    return real(fd, bytes, count, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset)
{
    return pwrite64(fd, bytes, count, offset);
}

int ftruncate64(int fd, off64_t length)
{
    REAL("ftruncate64", int, int, off64_t);
    char path[4096], line[4200];
    if (path_of(fd, path, sizeof path)) {
        snprintf(line, sizeof line, "T %s %lld\n", path, (long long)length);
        say(line, NULL, 0);
    }
    return real(fd, length);
}

int ftruncate(int fd, off_t length)
{
    return ftruncate64(fd, length);
}

static int synced(int fd, int result)
{
    char path[4096], line[4200];
    if (result == 0 && path_of(fd, path, sizeof path)) {
        snprintf(line, sizeof line, "S %s\n", path);
        say(line, NULL, 0);
    }
    return result;
}

int fdatasync(int fd)
{
    REAL("fdatasync", int, int);
    return synced(fd, real(fd));
}

int fsync(int fd)
{
    REAL("fsync", int, int);
    return synced(fd, real(fd));
}

int unlink(const char *path)
{
    REAL("unlink", int, const char *);
    int result = real(path);
    char line[4200];
    if (result == 0 && ours(path)) {
        snprintf(line, sizeof line, "U %s\n", path);
        say(line, NULL, 0);
    }
    return result;
}
