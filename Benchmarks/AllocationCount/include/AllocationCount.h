#pragma once
#include <stdint.h>

/// How often this process has asked for memory: malloc, calloc, realloc, aligned_alloc and posix_memalign.
uint64_t allocation_count(void);
