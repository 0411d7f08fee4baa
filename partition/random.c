/* Counter-based random numbers. */
#include "partition/random.h"

#include <Random123/philox.h>
#include <math.h>

void random_bits(uint64_t seed, enum random_stage stage, uint64_t entity, uint64_t draw,
                 uint32_t bits[4])
{
    /* 40 bits of draw, 24 of stage: a stage has a trillion draws per entity */
    uint64_t place = draw ^ ((uint64_t)stage << 40);
    philox4x32_ctr_t counter = {
        {(uint32_t)entity, (uint32_t)(entity >> 32), (uint32_t)place, (uint32_t)(place >> 32)}};
    philox4x32_key_t key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    philox4x32_ctr_t out = philox4x32(counter, key);
    for (int i = 0; i < 4; i++) bits[i] = out.v[i];
}

static double to_unit(uint32_t high, uint32_t low)
{
    return (double)((((uint64_t)high << 32) | low) >> 11) * 0x1p-53;
}

double random_uniform(uint64_t seed, enum random_stage stage, uint64_t entity, uint64_t draw)
{
    uint32_t bits[4];
    random_bits(seed, stage, entity, draw, bits);
    return to_unit(bits[0], bits[1]);
}

double random_normal(uint64_t seed, enum random_stage stage, uint64_t entity, uint64_t draw)
{
    uint32_t bits[4];
    random_bits(seed, stage, entity, draw, bits);
    double radius = sqrt(-2.0 * log(1.0 - to_unit(bits[0], bits[1])));
    return radius * cos(6.283185307179586 * to_unit(bits[2], bits[3]));
}

uint64_t random_below(uint64_t seed, enum random_stage stage, uint64_t entity, uint64_t draw,
                      uint64_t limit)
{
    uint32_t bits[4];
    random_bits(seed, stage, entity, draw, bits);
    __extension__ unsigned __int128 wide = ((uint64_t)bits[0] << 32) | bits[1];
    return (uint64_t)((wide * limit) >> 64);
}
