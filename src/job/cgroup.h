/* How many processors' time a control group of Linux allows this process, as containers and batch systems limit it. */
#ifndef LKS_JOB_CGROUP_H
#define LKS_JOB_CGROUP_H

#include <stdint.h>

typedef struct lks_cpu_quota {
    double cpus; /* 0: no limit */
    uint64_t
        group; /* the group that has the limit, the same number for all its processes on a host */
} lks_cpu_quota;

/* The tightest limit of the process's group and those above it: version 2's cpu.max, version 1's
 * cpu.cfs_quota_us and cpu.cfs_period_us (Linux, Documentation/admin-guide/cgroup-v2.rst and
 * scheduler/sched-bwc.rst). `membership` and `mounts` are paths of /proc/self/cgroup and /proc/self/mountinfo.
 * What cannot be read is no limit. Not collective. */
lks_cpu_quota lks_cpu_quota_read(const char *membership, const char *mounts);

#endif
