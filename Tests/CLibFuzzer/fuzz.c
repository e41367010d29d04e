#include "CLibFuzzer.h"

int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback)(const uint8_t *data, size_t size));

int ferrule_fuzz(int count, char **arguments, int (*callback)(const uint8_t *, size_t)) {
  return LLVMFuzzerRunDriver(&count, &arguments, callback);
}
