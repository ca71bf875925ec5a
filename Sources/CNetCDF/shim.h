// SPDX-License-Identifier: GPL-3.0-or-later
#include <netcdf.h>
#include <netcdf_mem.h>
