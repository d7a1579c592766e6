// libwebp's assertions state invariants for its own developers; NDEBUG builds drop them, and so does this one.
#ifndef CSHIM_ASSERT_H
#define CSHIM_ASSERT_H

#define assert(condition) ((void)0)

#endif
