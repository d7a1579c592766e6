// SSSE3 and SSE4.1 in terms of WebAssembly's 128-bit SIMD. Only the intrinsics that libwebp's SSE4.1 kernels use.
#ifndef CSHIM_SMMINTRIN_H
#define CSHIM_SMMINTRIN_H

#include <emmintrin.h>

CSHIM_UNARY(_mm_abs_epi16, wasm_i16x8_abs(a))
CSHIM_UNARY(_mm_cvtepu8_epi16, wasm_u16x8_extend_low_u8x16(a))
CSHIM_BINARY(_mm_mullo_epi32, wasm_i32x4_mul(a, b))
CSHIM_BINARY(_mm_hadd_epi32, wasm_i32x4_add(wasm_i32x4_shuffle(a, b, 0, 2, 4, 6),
                                           wasm_i32x4_shuffle(a, b, 1, 3, 5, 7)))

// x86 zeroes a byte if the top bit of its index is set, and ignores bits 4 to 6. wasm zeroes it if the index is ≥ 16.
CSHIM_BINARY(_mm_shuffle_epi8, wasm_i8x16_swizzle(a, wasm_v128_and(b, wasm_i8x16_splat((int8_t)0x8f))))

// Negates, zeroes or keeps each lane of `a`, by the sign of the same lane of `b`.
CSHIM_INLINE __m128i _mm_sign_epi16(__m128i a, __m128i b) {
  const v128_t zero = wasm_i64x2_const(0, 0);
  const v128_t kept = wasm_v128_and(a, wasm_i16x8_ne(b, zero));
  return wasm_v128_bitselect(wasm_i16x8_neg(kept), kept, wasm_i16x8_lt(b, zero));
}

// Takes a byte from `b` if its mask has the top bit set, and else from `a`.
CSHIM_INLINE __m128i _mm_blendv_epi8(__m128i a, __m128i b, __m128i mask) {
  return wasm_v128_bitselect(b, a, wasm_i8x16_shr(mask, 7));
}

// Takes lane `n` from `b` if bit `n` of the control is set, and else from `a`.
#define CSHIM_CHOICE(control, n) ((n) + ((((control) >> (n)) & 1) * 8))
#define _mm_blend_epi16(a, b, control)                                                    \
  wasm_i16x8_shuffle((a), (b), CSHIM_CHOICE(control, 0), CSHIM_CHOICE(control, 1),        \
                     CSHIM_CHOICE(control, 2), CSHIM_CHOICE(control, 3), CSHIM_CHOICE(control, 4), \
                     CSHIM_CHOICE(control, 5), CSHIM_CHOICE(control, 6), CSHIM_CHOICE(control, 7))

#define _mm_extract_epi8(a, lane) ((int)wasm_u8x16_extract_lane((a), (lane)))

#endif
