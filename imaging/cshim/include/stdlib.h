// The heap and the sort, which `src/wasm/libc.rs` defines in Rust.
#ifndef CSHIM_STDLIB_H
#define CSHIM_STDLIB_H

#include <stddef.h>

void* malloc(size_t size);
void* calloc(size_t count, size_t size);
void free(void* pointer);
void qsort(void* base, size_t count, size_t size, int (*compare)(const void*, const void*));

static inline int abs(int value) { return value < 0 ? -value : value; }

#endif
