/* Distance of names in edits: insert, delete, replace, or swap two neighbours. */
#include "jobs/suggest.h"

#include <ctype.h>
#include <string.h>

enum { NAME_MAX_LETTERS = 63 };

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int letter(const char *text, int64_t at)
{
    return tolower((unsigned char)text[at]);
}

/* Optimal string alignment distance on three rolling rows of the table. */
static int64_t edit_distance(const char *a, int64_t a_letters, const char *b, int64_t b_letters)
{
    int64_t rows[3][NAME_MAX_LETTERS + 1];
    int64_t *before = rows[0], *last = rows[1], *now = rows[2];
    for (int64_t j = 0; j <= b_letters; j++) last[j] = j;
    for (int64_t i = 1; i <= a_letters; i++) {
        now[0] = i;
        for (int64_t j = 1; j <= b_letters; j++) {
            int64_t replace = last[j - 1] + (letter(a, i - 1) != letter(b, j - 1));
            now[j] = smaller(replace, 1 + smaller(last[j], now[j - 1]));
            if (i > 1 && j > 1 && letter(a, i - 1) == letter(b, j - 2) &&
                letter(a, i - 2) == letter(b, j - 1))
                now[j] = smaller(now[j], before[j - 2] + 1);
        }
        int64_t *free_row = before;
        before = last, last = now, now = free_row;
    }
    return last[b_letters];
}

void suggestion_offer(struct suggestion *suggestion, const char *name)
{
    int64_t wrong_letters = (int64_t)strlen(suggestion->wrong), letters = (int64_t)strlen(name);
    if (wrong_letters > NAME_MAX_LETTERS || letters > NAME_MAX_LETTERS) return;
    int64_t distance = edit_distance(suggestion->wrong, wrong_letters, name, letters);
    int64_t allowed = wrong_letters < 6 ? 1 + (wrong_letters > 3) : wrong_letters / 3;
    if (distance > allowed || (suggestion->best != NULL && distance >= suggestion->distance))
        return;
    suggestion->best = name;
    suggestion->distance = distance;
}
