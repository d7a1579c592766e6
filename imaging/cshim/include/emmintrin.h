// SSE2 in terms of WebAssembly's 128-bit SIMD. It has only the intrinsics that libwebp's SSE2 kernels use.
//
// Both instruction sets are little-endian and have the same lanes, so most intrinsics are one instruction here too.
// Differences are described where they occur. Intrinsics with arguments that must be compile-time constants are macros.
#ifndef CSHIM_EMMINTRIN_H
#define CSHIM_EMMINTRIN_H

#include <stdint.h>
#include <wasm_simd128.h>

typedef v128_t __m128i;

#define CSHIM_INLINE static inline __attribute__((always_inline, unused))
#define CSHIM_UNARY(name, expression) \
  CSHIM_INLINE __m128i name(__m128i a) { return (expression); }
#define CSHIM_BINARY(name, expression) \
  CSHIM_INLINE __m128i name(__m128i a, __m128i b) { return (expression); }

#define _MM_SHUFFLE(d, c, b, a) (((d) << 6) | ((c) << 4) | ((b) << 2) | (a))

// Loads and stores. wasm has no alignment faults, so aligned and unaligned forms are the same.

CSHIM_INLINE __m128i _mm_load_si128(const __m128i* from) { return wasm_v128_load(from); }
CSHIM_INLINE __m128i _mm_loadu_si128(const __m128i* from) { return wasm_v128_load(from); }
CSHIM_INLINE __m128i _mm_loadl_epi64(const __m128i* from) { return wasm_v128_load64_zero(from); }
CSHIM_INLINE void _mm_store_si128(__m128i* to, __m128i a) { wasm_v128_store(to, a); }
CSHIM_INLINE void _mm_storeu_si128(__m128i* to, __m128i a) { wasm_v128_store(to, a); }
CSHIM_INLINE void _mm_storel_epi64(__m128i* to, __m128i a) { wasm_v128_store64_lane(to, a, 0); }

// Stores the bytes whose mask has its top bit set, one by one, because the others may lie outside the buffer.
CSHIM_INLINE void _mm_maskmoveu_si128(__m128i a, __m128i mask, char* to) {
  char bytes[16];
  const uint32_t chosen = wasm_i8x16_bitmask(mask);
  wasm_v128_store(bytes, a);
  for (int i = 0; i < 16; ++i) {
    if ((chosen >> i) & 1) to[i] = bytes[i];
  }
}

// Constants and single lanes.

CSHIM_INLINE __m128i _mm_setzero_si128(void) { return wasm_i64x2_const(0, 0); }
CSHIM_INLINE __m128i _mm_set1_epi8(char value) { return wasm_i8x16_splat((int8_t)value); }
CSHIM_INLINE __m128i _mm_set1_epi16(short value) { return wasm_i16x8_splat(value); }
CSHIM_INLINE __m128i _mm_set1_epi32(int value) { return wasm_i32x4_splat(value); }
CSHIM_INLINE __m128i _mm_cvtsi32_si128(int value) { return wasm_i32x4_make(value, 0, 0, 0); }
CSHIM_INLINE int _mm_cvtsi128_si32(__m128i a) { return wasm_i32x4_extract_lane(a, 0); }

#define _mm_set_epi32(d, c, b, a) wasm_i32x4_make((a), (b), (c), (d))
#define _mm_set_epi16(h, g, f, e, d, c, b, a) \
  wasm_i16x8_make((a), (b), (c), (d), (e), (f), (g), (h))
#define _mm_setr_epi8(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p) \
  wasm_i8x16_make((a), (b), (c), (d), (e), (f), (g), (h), (i), (j), (k), (l), (m), (n), (o), (p))
#define _mm_set_epi8(p, o, n, m, l, k, j, i, h, g, f, e, d, c, b, a) \
  _mm_setr_epi8(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)
#define _mm_insert_epi16(a, value, lane) wasm_i16x8_replace_lane((a), (lane), (short)(value))

// Logic. `andnot` complements its first operand on x86 and its second one in wasm.

CSHIM_BINARY(_mm_and_si128, wasm_v128_and(a, b))
CSHIM_BINARY(_mm_or_si128, wasm_v128_or(a, b))
CSHIM_BINARY(_mm_xor_si128, wasm_v128_xor(a, b))
CSHIM_BINARY(_mm_andnot_si128, wasm_v128_andnot(b, a))

// Addition and subtraction.

CSHIM_BINARY(_mm_add_epi8, wasm_i8x16_add(a, b))
CSHIM_BINARY(_mm_add_epi16, wasm_i16x8_add(a, b))
CSHIM_BINARY(_mm_add_epi32, wasm_i32x4_add(a, b))
CSHIM_BINARY(_mm_add_epi64, wasm_i64x2_add(a, b))
CSHIM_BINARY(_mm_adds_epi8, wasm_i8x16_add_sat(a, b))
CSHIM_BINARY(_mm_adds_epi16, wasm_i16x8_add_sat(a, b))
CSHIM_BINARY(_mm_adds_epu8, wasm_u8x16_add_sat(a, b))
CSHIM_BINARY(_mm_adds_epu16, wasm_u16x8_add_sat(a, b))
CSHIM_BINARY(_mm_sub_epi8, wasm_i8x16_sub(a, b))
CSHIM_BINARY(_mm_sub_epi16, wasm_i16x8_sub(a, b))
CSHIM_BINARY(_mm_sub_epi32, wasm_i32x4_sub(a, b))
CSHIM_BINARY(_mm_sub_epi64, wasm_i64x2_sub(a, b))
CSHIM_BINARY(_mm_subs_epi8, wasm_i8x16_sub_sat(a, b))
CSHIM_BINARY(_mm_subs_epi16, wasm_i16x8_sub_sat(a, b))
CSHIM_BINARY(_mm_subs_epu8, wasm_u8x16_sub_sat(a, b))
CSHIM_BINARY(_mm_subs_epu16, wasm_u16x8_sub_sat(a, b))
CSHIM_BINARY(_mm_avg_epu8, wasm_u8x16_avgr(a, b))
CSHIM_BINARY(_mm_min_epu8, wasm_u8x16_min(a, b))
CSHIM_BINARY(_mm_max_epu8, wasm_u8x16_max(a, b))
CSHIM_BINARY(_mm_min_epi16, wasm_i16x8_min(a, b))
CSHIM_BINARY(_mm_max_epi16, wasm_i16x8_max(a, b))

// For each half: the sum of the absolute differences of its eight bytes, as a 64-bit number.
CSHIM_INLINE __m128i _mm_sad_epu8(__m128i a, __m128i b) {
  const v128_t distance = wasm_v128_or(wasm_u8x16_sub_sat(a, b), wasm_u8x16_sub_sat(b, a));
  const v128_t fours = wasm_u32x4_extadd_pairwise_u16x8(wasm_u16x8_extadd_pairwise_u8x16(distance));
  return wasm_i64x2_add(wasm_v128_and(fours, wasm_i64x2_const(0xffffffff, 0xffffffff)),
                        wasm_u64x2_shr(fours, 32));
}

// Multiplication. wasm has no instruction for the high half of a product, so the product is widened.

#define CSHIM_HIGH_HALVES(low, high) \
  wasm_i16x8_shuffle((low), (high), 1, 3, 5, 7, 9, 11, 13, 15)

CSHIM_BINARY(_mm_mullo_epi16, wasm_i16x8_mul(a, b))
CSHIM_BINARY(_mm_madd_epi16, wasm_i32x4_dot_i16x8(a, b))
CSHIM_BINARY(_mm_mulhi_epi16, CSHIM_HIGH_HALVES(wasm_i32x4_extmul_low_i16x8(a, b),
                                               wasm_i32x4_extmul_high_i16x8(a, b)))
CSHIM_BINARY(_mm_mulhi_epu16, CSHIM_HIGH_HALVES(wasm_u32x4_extmul_low_u16x8(a, b),
                                               wasm_u32x4_extmul_high_u16x8(a, b)))
CSHIM_BINARY(_mm_mul_epu32, wasm_u64x2_extmul_low_u32x4(wasm_i32x4_shuffle(a, a, 0, 2, 0, 2),
                                                       wasm_i32x4_shuffle(b, b, 0, 2, 0, 2)))

// Shifts. wasm takes the count modulo the lane width, and x86 saturates it. libwebp's counts are less than that width.

CSHIM_INLINE __m128i _mm_slli_epi16(__m128i a, int count) { return wasm_i16x8_shl(a, (uint32_t)count); }
CSHIM_INLINE __m128i _mm_slli_epi64(__m128i a, int count) { return wasm_i64x2_shl(a, (uint32_t)count); }
CSHIM_INLINE __m128i _mm_srai_epi16(__m128i a, int count) { return wasm_i16x8_shr(a, (uint32_t)count); }
CSHIM_INLINE __m128i _mm_srai_epi32(__m128i a, int count) { return wasm_i32x4_shr(a, (uint32_t)count); }
CSHIM_INLINE __m128i _mm_srli_epi16(__m128i a, int count) { return wasm_u16x8_shr(a, (uint32_t)count); }
CSHIM_INLINE __m128i _mm_srli_epi32(__m128i a, int count) { return wasm_u32x4_shr(a, (uint32_t)count); }
CSHIM_INLINE __m128i _mm_srli_epi64(__m128i a, int count) { return wasm_u64x2_shr(a, (uint32_t)count); }

// 16 consecutive bytes of `low` followed by `high`, from byte `n` on (0 ≤ n ≤ 16).
#define CSHIM_WINDOW(low, high, n)                                                               \
  wasm_i8x16_shuffle((low), (high), (n), (n) + 1, (n) + 2, (n) + 3, (n) + 4, (n) + 5, (n) + 6,   \
                     (n) + 7, (n) + 8, (n) + 9, (n) + 10, (n) + 11, (n) + 12, (n) + 13, (n) + 14, \
                     (n) + 15)
#define _mm_slli_si128(a, count) CSHIM_WINDOW(_mm_setzero_si128(), (a), 16 - (count))
#define _mm_srli_si128(a, count) CSHIM_WINDOW((a), _mm_setzero_si128(), (count))

// Comparisons.

CSHIM_BINARY(_mm_cmpeq_epi8, wasm_i8x16_eq(a, b))
CSHIM_BINARY(_mm_cmpeq_epi16, wasm_i16x8_eq(a, b))
CSHIM_BINARY(_mm_cmpeq_epi32, wasm_i32x4_eq(a, b))
CSHIM_BINARY(_mm_cmpgt_epi8, wasm_i8x16_gt(a, b))
CSHIM_BINARY(_mm_cmpgt_epi16, wasm_i16x8_gt(a, b))
CSHIM_BINARY(_mm_cmpgt_epi32, wasm_i32x4_gt(a, b))
CSHIM_INLINE int _mm_movemask_epi8(__m128i a) { return (int)wasm_i8x16_bitmask(a); }

// Packing, unpacking, shuffling. Both instruction sets treat the source of a pack as signed.

CSHIM_BINARY(_mm_packs_epi16, wasm_i8x16_narrow_i16x8(a, b))
CSHIM_BINARY(_mm_packs_epi32, wasm_i16x8_narrow_i32x4(a, b))
CSHIM_BINARY(_mm_packus_epi16, wasm_u8x16_narrow_i16x8(a, b))
CSHIM_BINARY(_mm_unpacklo_epi8, wasm_i8x16_shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23))
CSHIM_BINARY(_mm_unpackhi_epi8,
             wasm_i8x16_shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31))
CSHIM_BINARY(_mm_unpacklo_epi16, wasm_i16x8_shuffle(a, b, 0, 8, 1, 9, 2, 10, 3, 11))
CSHIM_BINARY(_mm_unpackhi_epi16, wasm_i16x8_shuffle(a, b, 4, 12, 5, 13, 6, 14, 7, 15))
CSHIM_BINARY(_mm_unpacklo_epi32, wasm_i32x4_shuffle(a, b, 0, 4, 1, 5))
CSHIM_BINARY(_mm_unpackhi_epi32, wasm_i32x4_shuffle(a, b, 2, 6, 3, 7))
CSHIM_BINARY(_mm_unpacklo_epi64, wasm_i64x2_shuffle(a, b, 0, 2))
CSHIM_BINARY(_mm_unpackhi_epi64, wasm_i64x2_shuffle(a, b, 1, 3))

// Field `n` (two bits) of a shuffle control.
#define CSHIM_FIELD(control, n) (((control) >> (2 * (n))) & 3)
#define _mm_shuffle_epi32(a, control)                                                    \
  wasm_i32x4_shuffle((a), (a), CSHIM_FIELD(control, 0), CSHIM_FIELD(control, 1),         \
                     CSHIM_FIELD(control, 2), CSHIM_FIELD(control, 3))
#define _mm_shufflelo_epi16(a, control)                                                  \
  wasm_i16x8_shuffle((a), (a), CSHIM_FIELD(control, 0), CSHIM_FIELD(control, 1),         \
                     CSHIM_FIELD(control, 2), CSHIM_FIELD(control, 3), 4, 5, 6, 7)
#define _mm_shufflehi_epi16(a, control)                                                  \
  wasm_i16x8_shuffle((a), (a), 0, 1, 2, 3, 4 + CSHIM_FIELD(control, 0),                  \
                     4 + CSHIM_FIELD(control, 1), 4 + CSHIM_FIELD(control, 2), 4 + CSHIM_FIELD(control, 3))

#endif
