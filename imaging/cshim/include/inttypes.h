// The integer types only: nothing here formats them.
#ifndef CSHIM_INTTYPES_H
#define CSHIM_INTTYPES_H

#include <stdint.h>

#endif
