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
    for (int64_t s = 0; s < u->slots; s++)
        for (uint32_t left = u->allowed[s]; left != 0; left &= left - 1) {
            int64_t at = s * u->options + __builtin_ctz(left);
            u->net[at] = u->base[at];
            for (int c = 0; c < u->caps; c++)
                if (c != but) u->net[at] -= u->price[c] * (double)u->use[c][at];
        }
}

static struct tangent touch(const struct knapsack_user *u, int cap, double price)
{
    struct tangent t = {price, price * (double)u->limit[cap], (double)u->limit[cap]};
    for (int64_t s = 0; s < u->slots; s++) {
        double best = -INFINITY, use = 0.0;
        for (uint32_t left = u->allowed[s]; left != 0; left &= left - 1) {
            int64_t at = s * u->options + __builtin_ctz(left);
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
        for (uint32_t left = u->allowed[s]; left != 0; left &= left - 1) {
            double here = u->net[s * u->options + __builtin_ctz(left)];
            least = here < least ? here : least;
        }
        sum += least;
    }
    return sum;
}

/* A point beyond the lowest one of a function that falls at `low`. */
static struct tangent rise(const struct knapsack_user *u, int cap, struct tangent *low)
{
    double lowest = lowest_of(u);
    for (int i = 0;; i++) {
        double price = low->price + fmax(low->height - lowest, 1.0) / -low->slope;
        struct tangent high = touch(u, cap, fmin(fmax(price, 2.0 * low->price), PRICE_MOST));
        if (high.slope >= 0.0 || i == TANGENTS_MOST || high.price >= PRICE_MOST) return high;
        *low = high;
    }
}

/* The lowest point: where tangents on either side meet, until they meet on the function; from the
 * price there is. */
static double best_price(const struct knapsack_user *u, int cap)
{
    struct tangent low = touch(u, cap, 0.0);
    if (low.slope >= 0.0) return 0.0;
    struct tangent high = u->price[cap] > 0.0 ? touch(u, cap, u->price[cap]) : low;
    if (high.slope < 0.0) {
        low = high;
        high = rise(u, cap, &low);
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
        int128 best = knapsack_user_net(u, s, __builtin_ctz(u->allowed[s]));
        for (uint32_t left = u->allowed[s]; left != 0; left &= left - 1) {
            int128 here = knapsack_user_net(u, s, __builtin_ctz(left));
            best = here > best ? here : best;
        }
        bound += best;
    }
    return bound;
}

void knapsack_user_price(struct knapsack_user *u)
{
    bool again = true;
    for (int64_t s = 0; s < u->slots; s++)
        for (uint32_t left = u->allowed[s]; left != 0; left &= left - 1) {
            int64_t at = s * u->options + __builtin_ctz(left);
            u->base[at] = (double)u->worth[at];
        }
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
