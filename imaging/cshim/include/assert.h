// libwebp's assertions check invariants during its development. This build leaves them out, like builds with NDEBUG.
#ifndef CSHIM_ASSERT_H
#define CSHIM_ASSERT_H

#define assert(condition) ((void)0)

#endif
