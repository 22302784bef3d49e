/* link.c: a second name for a checkpoint, in one step as seen by others. */
#include "checkpoint/private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A second name under `temporary`; a copy where the file system refuses it (FAT, some network ones, link count, other
 * device). */
static void link_or_copy(const char *from, const char *temporary, hq_problem *problem)
{
    struct stat info;
    if (stat(from, &info) != 0)
        hq_problem_set(problem, HQ_ERR_FILE, "cannot read %s: %s", from, strerror(errno));
    else if (!S_ISREG(info.st_mode))
        hq_problem_set(problem, HQ_ERR_FILE, "%s is not a file", from);
    else if (unlink(temporary) != 0 && errno != ENOENT)
        hq_problem_set(problem, HQ_ERR_FILE, "cannot make %s: %s", temporary, strerror(errno));
    else if (linkat(AT_FDCWD, from, AT_FDCWD, temporary, AT_SYMLINK_FOLLOW) != 0)
        hq_file_copy(from, temporary, problem);
}

static void link_on_rank_0(const char *from, const char *to, hq_problem *problem)
{
    char temporary[PATH_MAX];
    if (!hq_file_temporary(to, temporary)) {
        hq_problem_set(problem, HQ_ERR_FILE, "the name is too long");
        return;
    }
    link_or_copy(from, temporary, problem);
    if (problem->status == HQ_OK) hq_file_commit(temporary, to, problem);
    if (problem->status != HQ_OK) unlink(temporary);
}

hq_status hq_checkpoint_link(const hq_dist *dist, const char *from, const char *to)
{
    hq_problem problem = {0};
    if (hq_dist_rank(dist) == 0) link_on_rank_0(from, to, &problem);
    return hq_problem_settle(dist, &problem, to, "was not linked");
}
