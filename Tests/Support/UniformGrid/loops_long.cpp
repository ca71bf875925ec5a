// SPDX-License-Identifier: GPL-3.0-or-later
// ug_loops and ug_points in longer numbers, ug_loops_long and ug_points_long.
#define UG_REAL long double
#define UG_SPACE ug_long
#define UG_IS_LONG
#define UG_NAME(name) name##_long
#include "loops.cpp"
