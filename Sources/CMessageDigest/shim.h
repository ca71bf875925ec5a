// SPDX-License-Identifier: GPL-3.0-or-later
#include <sys/types.h>
#include <stddef.h>
#include <sha256.h>
