#include <xtables.h>
