/* The request to stop: noted by a signal handler, settled by the ranks. */
#include "mpi/stop.h"

#include <signal.h>

static volatile sig_atomic_t asked; /* the one thing a signal handler may write */

static void note(int number)
{
    (void)number;
    asked = 1;
}

void stop_listen(void)
{
    struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGUSR1, &action, NULL);
}

enum status stop_agree(const struct comm *comm)
{
    int64_t any = asked;
    comm_max_int64(comm, &any, 1);
    if (any == 0) return OK;
    asked = 1;
    return FAIL(ERR_STOPPED, "asked to stop by a signal (SIGUSR1); what is finished is kept");
}
