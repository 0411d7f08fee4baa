/* Which cells are hidden. */
#include "jobs/suppress.h"

static int64_t smallest_shown(const int64_t *users, int64_t cells, const bool *hidden)
{
    int64_t found = -1;
    for (int64_t c = 0; c < cells; c++)
        if (!hidden[c] && users[c] > 0 && (found < 0 || users[c] < users[found])) found = c;
    return found;
}

void suppress_cells(const int64_t *users, int64_t cells, int64_t min_users, bool *hidden)
{
    int64_t count = 0, together = 0;
    for (int64_t c = 0; c < cells; c++) {
        hidden[c] |= users[c] > 0 && users[c] < min_users;
        count += hidden[c];
        together += hidden[c] ? users[c] : 0;
    }
    while (count == 1 || (count > 0 && together < min_users)) {
        int64_t partner = smallest_shown(users, cells, hidden);
        if (partner < 0) return;
        hidden[partner] = true;
        together += users[partner];
        count++;
    }
}
