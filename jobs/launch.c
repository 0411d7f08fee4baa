/* Muting all but one process before MPI tells them apart. */
#include "jobs/launch.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { PAUSE_MS = 300 };

static struct {
    bool muted;
    bool pauses;
    int saved[2]; /* stdout, stderr */
} state;

bool launch_is_first(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK",
                                        "SLURM_PROCID"};
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        const char *rank = getenv(names[n]);
        if (rank != NULL) return strtol(rank, NULL, 10) == 0;
    }
    return true;
}

static void pause_before_error(int code, void *unused)
{
    struct timespec pause = {0, PAUSE_MS * 1000000L};
    (void)unused;
    if (code != 0 && state.pauses) nanosleep(&pause, NULL);
}

void launch_mute(void)
{
    if (launch_is_first() || state.muted) return;
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere < 0) return;
    for (int i = 0; i < 2; i++) {
        state.saved[i] = fcntl(i + 1, F_DUPFD_CLOEXEC, 3);
        dup2(nowhere, i + 1);
    }
    close(nowhere);
    state.muted = true;
    state.pauses = true;
    on_exit(pause_before_error, NULL);
}

void launch_unmute(void)
{
    if (!state.muted) return;
    fflush(stdout);
    fflush(stderr);
    for (int i = 0; i < 2; i++) {
        if (state.saved[i] < 0) continue;
        dup2(state.saved[i], i + 1);
        close(state.saved[i]);
    }
    state.muted = false;
}

void launch_joined(void)
{
    state.pauses = false;
}
