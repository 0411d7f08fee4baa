/* Drawing rows for trees, and cutting the rows of a node in two. */
#include "algorithms/tree_list.h"

#include "partition/random.h"

#include <string.h>

/* Draws of one call of the generator; Poisson's table, and its part that most draws fall in. */
enum { WORDS = 4, STEPS = 9, FIRST_STEPS = 4 };

/* 2^32 P(less than 1, 2, ... rows) of Poisson's law with mean 1; more than 9 are taken as 9. */
static const uint32_t poisson[STEPS] = {1580030169, 3160060337, 3950075422, 4213413783, 4279248374,
                                        4292415292, 4294609778, 4294923276, 4294962463};

static uint32_t weight_of(uint32_t bits)
{
    uint32_t weight = 0;
    for (int i = 0; i < FIRST_STEPS; i++) weight += bits >= poisson[i];
    if (weight < FIRST_STEPS) return weight;
    for (int i = FIRST_STEPS; i < STEPS; i++) weight += bits >= poisson[i];
    return weight;
}

/* Written to both ends, and kept at one: nothing branches. Where the ends meet, the second entry is
 * right: it is the row alone if that was not drawn. */
static inline void put(struct tree_list *list, uint32_t row, uint32_t weight, int64_t rows)
{
    list->entry[rows - 1 - list->left_out] = row;
    list->entry[list->drawn] = row | weight << TREE_ROW_BITS;
    list->drawn += weight > 0;
    list->left_out += weight == 0;
}

/* Trees whose draws come from the same call: first .. first + count - 1, count <= WORDS. */
static void draw_group(const struct forest_data *data, const struct forest_options *opt,
                       int64_t first, int64_t count, struct tree_list *lists)
{
    int64_t rows = data->blocks->rows_local;
    bool random = opt->bootstrap || opt->share > 0.0;
    uint64_t below = (uint64_t)(opt->share * 0x1p32);
    for (int64_t i = 0; i < rows; i++) {
        uint32_t bits[WORDS] = {0};
        if (data->skip != NULL && data->skip[i] != 0) continue;
        if (random)
            random_bits(opt->seed, RANDOM_TREE_ROWS, (uint64_t)(data->blocks->row_first + i),
                        (uint64_t)(first / WORDS), bits);
        for (int64_t t = 0; t < count; t++) {
            uint32_t mine = bits[(first + t) % WORDS];
            uint32_t weight = opt->bootstrap ? weight_of(mine) : !random || mine < below;
            put(&lists[t], (uint32_t)i, weight, rows);
        }
    }
}

void tree_lists_draw(const struct forest_data *data, const struct forest_options *opt,
                     int64_t first, int64_t count, struct tree_list *lists)
{
    for (int64_t t = 0; t < count; t++) lists[t].drawn = lists[t].left_out = 0;
    for (int64_t t = 0; t < count;) {
        int64_t group = WORDS - (first + t) % WORDS;
        if (group > count - t) group = count - t;
        draw_group(data, opt, first + t, group, lists + t);
        t += group;
    }
}

int64_t tree_list_cut(uint32_t *entry, int64_t first, int64_t end, const uint8_t *code,
                      const uint8_t *left, uint32_t *room)
{
    int64_t to = first, right = 0;
    for (int64_t i = first; i < end; i++) {
        uint32_t e = entry[i];
        int64_t goes = left[code[e & TREE_ROW_MASK]];
        entry[to] = e;
        room[right] = e;
        to += goes;
        right += 1 - goes;
    }
    memcpy(entry + to, room, (size_t)right * sizeof *room);
    return to;
}
