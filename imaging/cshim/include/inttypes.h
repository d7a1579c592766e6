// Only the integer types, because nothing formats them.
#ifndef CSHIM_INTTYPES_H
#define CSHIM_INTTYPES_H

#include <stdint.h>

#endif
