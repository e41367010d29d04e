#pragma once
#include <stddef.h>
#include <stdint.h>

/// Calls back with one input after the other, as the arguments tell libFuzzer.
int ferrule_fuzz(int count, char *_Nullable *_Nullable arguments, int (*_Nonnull callback)(const uint8_t *_Nullable, size_t));
