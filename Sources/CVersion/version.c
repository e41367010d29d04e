#include "ferrule_version.h"

/* `make release' defines it (Package.swift). Another commit compiles only this file. */
#ifndef FERRULE_COMMIT
#define FERRULE_COMMIT 0
#endif

unsigned long long ferrule_commit(void) { return FERRULE_COMMIT; }
