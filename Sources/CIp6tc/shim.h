#include <libiptc/libip6tc.h>
