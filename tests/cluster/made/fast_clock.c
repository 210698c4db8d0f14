/* A clock of the day that is an hour fast, for the processes that this is preloaded into.

libfaketime shifts deadlines on the monotonic clock too, where Python 3.11 sleeps: "Invalid argument". */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <sys/time.h>
#include <time.h>

static const time_t HOUR = 3600;
static const time_t A_DATE = 1000000000; /* no machine is up for so many seconds */

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int (*next)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
    int status = next(clock, now);
    if (status == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += HOUR;
    return status;
}

int gettimeofday(struct timeval *now, void *zone)
{
    int (*next)(struct timeval *, void *) = dlsym(RTLD_NEXT, "gettimeofday");
    int status = next(now, zone);
    if (status == 0)
        now->tv_sec += HOUR;
    return status;
}

time_t time(time_t *now)
{
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    if (now)
        *now = at.tv_sec;
    return at.tv_sec;
}

/* The kernel knows the right time: a deadline by the fast clock would be an hour late. */
int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                           const struct timespec *deadline)
{
    int (*next)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *) =
        dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
    struct timespec right = *deadline;
    if (right.tv_sec > A_DATE)
        right.tv_sec -= HOUR;
    return next(condition, mutex, &right);
}
