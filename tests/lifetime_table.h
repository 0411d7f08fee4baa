/**
 * Customers of a simulated shop for tests of the lifetime models, made by
 * tests/goldens/lifetime.py.
 */
#ifndef REMISE_TESTS_LIFETIME_TABLE_H
#define REMISE_TESTS_LIFETIME_TABLE_H

#include "partition/blocks.h"

enum { CUSTOMERS = 60 };

/* frequency, recency, age in days, mean spend of repeat purchases */
static const double customers[CUSTOMERS][4] = {
    {1, 64, 83, 18.21},   {3, 19, 85, 24.94},  {0, 0, 88, 0.0},      {10, 77, 86, 59.25},
    {0, 0, 50, 0.0},      {2, 42, 92, 17.41},  {0, 0, 95, 0.0},      {3, 74, 93, 22.77},
    {0, 0, 59, 0.0},      {1, 8, 44, 8.34},    {1, 2, 40, 28.44},    {1, 3, 62, 90.27},
    {0, 0, 66, 0.0},      {1, 6, 70, 147.5},   {3, 14, 61, 24.24},   {3, 21, 44, 51.81},
    {1, 39, 50, 57.87},   {10, 55, 60, 28.49}, {5, 38, 42, 23.27},   {3, 40, 43, 9.9},
    {9, 66, 74, 44.45},   {0, 0, 41, 0.0},     {4, 40, 41, 18.85},   {2, 11, 68, 15.34},
    {0, 0, 75, 0.0},      {1, 40, 51, 41.24},  {1, 40, 104, 147.02}, {10, 38, 41, 274.29},
    {2, 6, 54, 63.22},    {4, 48, 68, 55.3},   {1, 0, 58, 25.25},    {7, 22, 86, 34.29},
    {3, 29, 112, 58.71},  {3, 15, 103, 13.12}, {2, 34, 118, 118.92}, {1, 1, 65, 68.2},
    {1, 44, 69, 35.23},   {2, 10, 43, 29.03},  {1, 20, 100, 25.82},  {1, 20, 44, 29.13},
    {4, 47, 107, 20.63},  {0, 0, 111, 0.0},    {3, 3, 78, 24.31},    {9, 40, 98, 11.82},
    {1, 10, 75, 24.03},   {2, 7, 114, 32.27},  {2, 4, 64, 47.86},    {1, 1, 107, 44.79},
    {12, 71, 102, 36.97}, {5, 46, 49, 14.54},  {11, 78, 80, 50.66},  {1, 1, 97, 66.62},
    {1, 2, 106, 19.27},   {3, 97, 115, 13.2},  {5, 92, 104, 19.06},  {1, 7, 61, 23.15},
    {1, 0, 115, 14.87},   {1, 22, 40, 0.77},   {3, 3, 63, 30.5},     {1, 55, 63, 34.39},
};

/* This rank's run of `rows` customers, those of the table over and over: first .. first + count. */
static inline int64_t lifetime_share(const struct comm *comm, int64_t rows, int64_t *first)
{
    int64_t next = rows * (comm->rank + 1) / comm->ranks;
    *first = rows * comm->rank / comm->ranks;
    return next - *first;
}

#endif
