/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of one number. Where C and Go differ in a corner (NaN in min and max), this follows Prometheus. */
#include <math.h>

#include "promql/functions_private.h"

#define PI 3.14159265358979323846264338327950288

/* A row a function: what it is in terms of `value`. */
#define MAP(name, expression)                                  \
    double promql_map_##name(double value, const double *args) \
    {                                                          \
        (void)args;                                            \
        return expression;                                     \
    }

MAP(abs, fabs(value))
MAP(ceil, ceil(value))
MAP(floor, floor(value))
MAP(exp, exp(value))
MAP(sqrt, sqrt(value))
MAP(ln, log(value))
MAP(log2, log2(value))
MAP(log10, log10(value))
MAP(sin, sin(value))
MAP(cos, cos(value))
MAP(tan, tan(value))
MAP(asin, asin(value))
MAP(acos, acos(value))
MAP(atan, atan(value))
MAP(sinh, sinh(value))
MAP(cosh, cosh(value))
MAP(tanh, tanh(value))
MAP(asinh, asinh(value))
MAP(acosh, acosh(value))
MAP(atanh, atanh(value))
MAP(rad, value *PI / 180)
MAP(deg, value * 180 / PI)
MAP(sgn, value<0 ? -1 : value> 0 ? 1 : value)

/* Ties go up; dividing by the inverse loses less. */
double promql_map_round(double value, const double *args)
{
    double inverse = 1 / (args != NULL ? args[0] : 1);
    return floor(value * inverse + 0.5) / inverse;
}

/* NaN wins, unlike in fmin() and fmax(). */
static double least(double a, double b)
{
    return isnan(a) || isnan(b) ? (a == -INFINITY || b == -INFINITY ? -INFINITY : NAN)
           : a < b              ? a
                                : b;
}

static double greatest(double a, double b)
{
    return isnan(a) || isnan(b) ? (a == INFINITY || b == INFINITY ? INFINITY : NAN) : a > b ? a : b;
}

static double clamp(double value, double low, double high)
{
    return high < low ? history_stale() : greatest(low, least(high, value));
}

double promql_map_clamp(double value, const double *args)
{
    return clamp(value, args[0], args[1]);
}

double promql_map_clamp_min(double value, const double *args)
{
    return clamp(value, args[0], INFINITY);
}

double promql_map_clamp_max(double value, const double *args)
{
    return clamp(value, -INFINITY, args[0]);
}
