/* Prices of one user's caps: one cap after the other, each by tangents of a convex function. */
#include "algorithms/knapsack_user.h"

#include <math.h>
#include <string.h>

enum { TANGENTS_MOST = 40, SWEEPS_MOST = 4 };

#define PRICE_MOST 0x1p60
#define NEAR 1e-12

/* The bound at a price of one cap: its height there, and its slope, limit - use. */
struct tangent {
    double price, height, slope;
};

/* net = base - price x use of all caps but one */
static void leave_out(struct knapsack_user *u, int but)
{
    int64_t cells = u->slots * u->options;
    memcpy(u->net, u->base, (size_t)cells * sizeof *u->net);
    for (int c = 0; c < u->caps; c++)
        for (int64_t i = 0; i < cells && c != but && u->price[c] > 0.0; i++)
            u->net[i] -= u->price[c] * (double)u->use[c][i];
}

static struct tangent touch(const struct knapsack_user *u, int cap, double price)
{
    struct tangent t = {price, price * (double)u->limit[cap], (double)u->limit[cap]};
    for (int64_t s = 0; s < u->slots; s++) {
        double best = -INFINITY, use = 0.0;
        for (int k = 0; k < u->options; k++) {
            int64_t at = s * u->options + k;
            if ((u->allowed[s] >> k & 1) == 0) continue;
            double here = u->net[at] - price * (double)u->use[cap][at];
            if (here <= best) continue;
            best = here;
            use = (double)u->use[cap][at];
        }
        t.height += best;
        t.slope -= use;
    }
    return t;
}

static double lowest_of(const struct knapsack_user *u)
{
    double sum = 0.0;
    for (int64_t s = 0; s < u->slots; s++) {
        double least = INFINITY;
        for (int k = 0; k < u->options; k++)
            if ((u->allowed[s] >> k & 1) != 0) least = fmin(least, u->net[s * u->options + k]);
        sum += least;
    }
    return sum;
}

/* The lowest point: where tangents on either side meet, until they meet on the function. */
static double best_price(const struct knapsack_user *u, int cap)
{
    struct tangent low = touch(u, cap, 0.0), high;
    double lowest = lowest_of(u);
    if (low.slope >= 0.0) return 0.0;
    for (int i = 0;; i++) {
        double price = low.price + fmax(low.height - lowest, 1.0) / -low.slope;
        high = touch(u, cap, fmin(fmax(price, 2.0 * low.price), PRICE_MOST));
        if (high.slope >= 0.0) break;
        if (i == TANGENTS_MOST || high.price >= PRICE_MOST) return high.price;
        low = high;
    }
    for (int i = 0; i < TANGENTS_MOST && high.slope > 0.0; i++) {
        double part = (low.height - high.height + high.slope * (high.price - low.price)) /
                      (high.slope - low.slope);
        struct tangent at = touch(u, cap, low.price + part);
        if (at.height >= low.height + low.slope * part - NEAR * fabs(low.height)) return at.price;
        if (at.slope < 0.0)
            low = at;
        else
            high = at;
    }
    return high.price;
}

int128 knapsack_user_net(const struct knapsack_user *u, int64_t slot, int option)
{
    int64_t at = slot * u->options + option;
    int128 worth = u->worth[at];
    for (int c = 0; c < u->caps; c++)
        if (u->price[c] > 0.0) worth -= (int128)(int64_t)u->price[c] * u->use[c][at];
    return worth;
}

static int128 bound_of(const struct knapsack_user *u)
{
    int128 bound = 0;
    for (int c = 0; c < u->caps; c++) bound += (int128)(int64_t)u->price[c] * u->limit[c];
    for (int64_t s = 0; s < u->slots; s++) {
        int128 best = 0;
        bool any = false;
        for (int k = 0; k < u->options; k++) {
            if ((u->allowed[s] >> k & 1) == 0) continue;
            int128 here = knapsack_user_net(u, s, k);
            if (any && here <= best) continue;
            best = here;
            any = true;
        }
        bound += best;
    }
    return bound;
}

void knapsack_user_price(struct knapsack_user *u)
{
    bool again = true;
    for (int64_t i = 0; i < u->slots * u->options; i++) u->base[i] = (double)u->worth[i];
    memset(u->price, 0, sizeof u->price);
    for (int sweep = 0; sweep < SWEEPS_MOST && again; sweep++) {
        again = false;
        for (int c = 0; c < u->caps; c++) {
            leave_out(u, c);
            double price = rint(best_price(u, c));
            again = again || (price != u->price[c] && u->caps > 1);
            u->price[c] = price;
        }
    }
    leave_out(u, -1);
    u->bound = bound_of(u);
}
