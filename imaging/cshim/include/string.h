// The memory functions that libwebp calls. Rust's compiler-builtins defines them for wasm.
#ifndef CSHIM_STRING_H
#define CSHIM_STRING_H

#include <stddef.h>

void* memcpy(void* to, const void* from, size_t size);
void* memmove(void* to, const void* from, size_t size);
void* memset(void* to, int value, size_t size);
int memcmp(const void* left, const void* right, size_t size);
size_t strlen(const char* text);

#endif
