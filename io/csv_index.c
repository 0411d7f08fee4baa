/* Bit masks of 64 bytes, and the positions of their bits. */
#include "io/csv_index.h"

#include "io/csv.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))

/* Bit i stands for byte i of 64. */
struct structure {
    uint64_t marks; /* delimiter, quote, LF, CR */
    uint64_t odd;   /* 0 or above 127 */
};

struct quotes {
    uint64_t quote, lf, cr;
};

typedef struct structure find_structure(const char *text, char delimiter);
typedef struct quotes find_quotes(const char *text);
/* Writes base + i for every bit i, at most 64 entries behind out; returns the number of bits. */
typedef int64_t spread_bits(uint64_t bits, uint32_t base, uint32_t *out);

/* ---- loops over 64 bytes, inlined into each kernel with its own masks ---- */

INLINE uint64_t keep(int64_t bytes_left)
{
    return bytes_left >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << bytes_left) - 1;
}

/* Whether these bytes, the last ones, are the start of a character that goes on. */
static bool cut_off(const char *text, int64_t bytes)
{
    unsigned char first = (unsigned char)text[0];
    if (first < 0xc2 || bytes >= (first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4)) return false;
    for (int64_t i = 1; i < bytes; i++)
        if ((text[i] & 0xc0) != 0x80) return false;
    return true;
}

/* Check the bytes of 64 that `odd` names; *next is behind the last character so far. */
static __attribute__((noinline)) bool characters_good(const char *text, int64_t at, int64_t bytes,
                                                      uint64_t odd, int64_t *next)
{
    for (; odd != 0; odd &= odd - 1) {
        int64_t here = at + __builtin_ctzll(odd), left = bytes - here;
        if (here < *next) continue; /* of the character before */
        int64_t length = text[here] == 0 ? 0 : csv_character(text + here, left);
        if (length == 0 && !cut_off(text + here, left)) return false;
        *next = length > 0 ? here + length : bytes;
    }
    return true;
}

INLINE int64_t structure_loop(const char *text, int64_t bytes, char delimiter, uint32_t *index,
                              bool *clean, find_structure *find, spread_bits *spread)
{
    int64_t count = 0, next = 0;
    bool good = true;
    for (int64_t at = 0; at < bytes; at += 64) {
        struct structure here = find(text + at, delimiter);
        uint64_t inside = keep(bytes - at), odd = here.odd & inside;
        count += spread(here.marks & inside, (uint32_t)at, index + count);
        if (odd != 0 && good) good = characters_good(text, at, bytes, odd, &next);
    }
    *clean = good;
    return count;
}

INLINE int64_t quotes_loop(const char *text, int64_t bytes, uint32_t *index, int64_t *line_ends,
                           find_quotes *find, spread_bits *spread)
{
    int64_t count = 0, ends = 0;
    uint64_t cr_before = text[-1] == '\r';
    for (int64_t at = 0; at < bytes; at += 64) {
        struct quotes here = find(text + at);
        uint64_t inside = keep(bytes - at);
        uint64_t lf_alone = here.lf & ~(here.cr << 1 | cr_before);
        cr_before = here.cr >> 63;
        ends += __builtin_popcountll((lf_alone | here.cr) & inside);
        count += spread(here.quote & inside, (uint32_t)at, index + count);
    }
    *line_ends = ends;
    return count;
}

INLINE int64_t line_ends_loop(const char *text, int64_t bytes, bool *quoted, find_quotes *find)
{
    int64_t ends = 0;
    uint64_t cr_before = text[-1] == '\r', quote = 0;
    for (int64_t at = 0; at < bytes; at += 64) {
        struct quotes here = find(text + at);
        uint64_t inside = keep(bytes - at);
        uint64_t lf_alone = here.lf & ~(here.cr << 1 | cr_before);
        cr_before = here.cr >> 63;
        ends += __builtin_popcountll((lf_alone | here.cr) & inside);
        quote |= here.quote & inside;
    }
    *quoted = quote != 0;
    return ends;
}

/* ---- any machine ---- */

#define EACH(byte) (0x0101010101010101u * (uint64_t)(unsigned char)(byte))

static uint64_t eight(const char *text)
{
    uint64_t x = 0;
    memcpy(&x, text, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    x = __builtin_bswap64(x);
#endif
    return x;
}

/* The top bit of every byte of x that equals c. */
static uint64_t equal_eight(uint64_t x, char c)
{
    x ^= EACH(c);
    return ~(((x & EACH(0x7f)) + EACH(0x7f)) | x | EACH(0x7f));
}

/* The top bits of eight bytes as bits at .. at + 7. */
static uint64_t gather(uint64_t tops, int at)
{
    return ((tops >> 7) * 0x0102040810204080u >> 56) << at;
}

static struct structure structure_portable(const char *text, char delimiter)
{
    struct structure here = {0, 0};
    for (int i = 0; i < 64; i += 8) {
        uint64_t x = eight(text + i);
        uint64_t marks = equal_eight(x, delimiter) | equal_eight(x, '"') | equal_eight(x, '\n') |
                         equal_eight(x, '\r');
        here.marks |= gather(marks, i);
        here.odd |= gather((x & EACH(0x80)) | equal_eight(x, 0), i);
    }
    return here;
}

static struct quotes quotes_portable(const char *text)
{
    struct quotes here = {0, 0, 0};
    for (int i = 0; i < 64; i += 8) {
        uint64_t x = eight(text + i);
        here.quote |= gather(equal_eight(x, '"'), i);
        here.lf |= gather(equal_eight(x, '\n'), i);
        here.cr |= gather(equal_eight(x, '\r'), i);
    }
    return here;
}

static int64_t spread_portable(uint64_t bits, uint32_t base, uint32_t *out)
{
    int64_t count = 0;
    for (; bits != 0; bits &= bits - 1) out[count++] = base + (uint32_t)__builtin_ctzll(bits);
    return count;
}

#if defined(__x86_64__)

/* ---- AVX2 ---- */

#define AVX2 __attribute__((target("avx2,bmi,popcnt")))

AVX2 INLINE __m256i equal_avx2(__m256i text, char c)
{
    return _mm256_cmpeq_epi8(text, _mm256_set1_epi8(c));
}

AVX2 INLINE uint64_t bits_avx2(__m256i low, __m256i high)
{
    return (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high)
                                                     << 32;
}

AVX2 INLINE __m256i marks_avx2(__m256i text, char delimiter)
{
    __m256i separator = _mm256_or_si256(equal_avx2(text, delimiter), equal_avx2(text, '"'));
    __m256i line_end = _mm256_or_si256(equal_avx2(text, '\n'), equal_avx2(text, '\r'));
    return _mm256_or_si256(separator, line_end);
}

AVX2 INLINE struct structure structure_avx2(const char *text, char delimiter)
{
    __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)text);
    __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(text + 32));
    /* the sign bit of a byte is what movemask takes */
    __m256i odd_low = _mm256_or_si256(low, equal_avx2(low, 0));
    __m256i odd_high = _mm256_or_si256(high, equal_avx2(high, 0));
    return (struct structure){bits_avx2(marks_avx2(low, delimiter), marks_avx2(high, delimiter)),
                              bits_avx2(odd_low, odd_high)};
}

AVX2 INLINE struct quotes quotes_avx2(const char *text)
{
    __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)text);
    __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(text + 32));
    return (struct quotes){bits_avx2(equal_avx2(low, '"'), equal_avx2(high, '"')),
                           bits_avx2(equal_avx2(low, '\n'), equal_avx2(high, '\n')),
                           bits_avx2(equal_avx2(low, '\r'), equal_avx2(high, '\r'))};
}

/* Eight at a time without asking how many there are; the surplus is overwritten by the next. */
AVX2 INLINE int64_t spread_avx2(uint64_t bits, uint32_t base, uint32_t *out)
{
    int64_t count = __builtin_popcountll(bits);
    for (int64_t done = 0; done < count; done += 8)
        for (int i = 0; i < 8; i++) {
            out[done + i] = base + (uint32_t)_tzcnt_u64(bits);
            bits = _blsr_u64(bits);
        }
    return count;
}

AVX2 static int64_t index_structure_avx2(const char *text, int64_t bytes, char delimiter,
                                         uint32_t *index, bool *clean)
{
    return structure_loop(text, bytes, delimiter, index, clean, structure_avx2, spread_avx2);
}

AVX2 static int64_t line_ends_avx2(const char *text, int64_t bytes, bool *quoted)
{
    return line_ends_loop(text, bytes, quoted, quotes_avx2);
}

AVX2 static int64_t index_quotes_avx2(const char *text, int64_t bytes, uint32_t *index,
                                      int64_t *line_ends)
{
    return quotes_loop(text, bytes, index, line_ends, quotes_avx2, spread_avx2);
}

/* ---- AVX-512 ---- */

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vbmi2,bmi,popcnt")))

AVX512 INLINE uint64_t equal_avx512(__m512i text, char c)
{
    return _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8(c));
}

AVX512 INLINE struct structure structure_avx512(const char *text, char delimiter)
{
    __m512i here = _mm512_loadu_si512(text);
    return (struct structure){equal_avx512(here, delimiter) | equal_avx512(here, '"') |
                                  equal_avx512(here, '\n') | equal_avx512(here, '\r'),
                              _mm512_movepi8_mask(here) | equal_avx512(here, 0)};
}

AVX512 INLINE struct quotes quotes_avx512(const char *text)
{
    __m512i here = _mm512_loadu_si512(text);
    return (struct quotes){equal_avx512(here, '"'), equal_avx512(here, '\n'),
                           equal_avx512(here, '\r')};
}

/* The numbers of the set bits pressed together as bytes, then widened sixteen at a time. */
AVX512 INLINE int64_t spread_avx512(uint64_t bits, uint32_t base, uint32_t *out)
{
    static const unsigned char number[64] __attribute__((aligned(64))) = {
        0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
        22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
        44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
    int64_t count = __builtin_popcountll(bits);
    __m512i pressed = _mm512_maskz_compress_epi8(bits, _mm512_load_si512(number));
    __m512i shift = _mm512_set1_epi32((int)base);
    for (int64_t done = 0; done < count; done += 16) {
        __m512i wide = _mm512_cvtepu8_epi32(_mm512_castsi512_si128(pressed));
        _mm512_storeu_si512(out + done, _mm512_add_epi32(wide, shift));
        pressed = _mm512_alignr_epi64(_mm512_setzero_si512(), pressed, 2);
    }
    return count;
}

AVX512 static int64_t index_structure_avx512(const char *text, int64_t bytes, char delimiter,
                                             uint32_t *index, bool *clean)
{
    return structure_loop(text, bytes, delimiter, index, clean, structure_avx512, spread_avx512);
}

AVX512 static int64_t line_ends_avx512(const char *text, int64_t bytes, bool *quoted)
{
    return line_ends_loop(text, bytes, quoted, quotes_avx512);
}

AVX512 static int64_t index_quotes_avx512(const char *text, int64_t bytes, uint32_t *index,
                                          int64_t *line_ends)
{
    return quotes_loop(text, bytes, index, line_ends, quotes_avx512, spread_avx512);
}

enum csv_kernel csv_kernel_best(void)
{
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi2"))
        return CSV_KERNEL_AVX512;
    return __builtin_cpu_supports("avx2") ? CSV_KERNEL_AVX2 : CSV_KERNEL_PORTABLE;
}

int64_t csv_index_structure(enum csv_kernel kernel, const char *text, int64_t bytes, char delimiter,
                            uint32_t *index, bool *clean)
{
    if (kernel == CSV_KERNEL_AVX512)
        return index_structure_avx512(text, bytes, delimiter, index, clean);
    if (kernel == CSV_KERNEL_AVX2)
        return index_structure_avx2(text, bytes, delimiter, index, clean);
    return structure_loop(text, bytes, delimiter, index, clean, structure_portable,
                          spread_portable);
}

int64_t csv_index_quotes(enum csv_kernel kernel, const char *text, int64_t bytes, uint32_t *index,
                         int64_t *line_ends)
{
    if (kernel == CSV_KERNEL_AVX512) return index_quotes_avx512(text, bytes, index, line_ends);
    if (kernel == CSV_KERNEL_AVX2) return index_quotes_avx2(text, bytes, index, line_ends);
    return quotes_loop(text, bytes, index, line_ends, quotes_portable, spread_portable);
}

int64_t csv_index_line_ends(enum csv_kernel kernel, const char *text, int64_t bytes, bool *quoted)
{
    if (kernel == CSV_KERNEL_AVX512) return line_ends_avx512(text, bytes, quoted);
    if (kernel == CSV_KERNEL_AVX2) return line_ends_avx2(text, bytes, quoted);
    return line_ends_loop(text, bytes, quoted, quotes_portable);
}

#else

enum csv_kernel csv_kernel_best(void)
{
    return CSV_KERNEL_PORTABLE;
}

int64_t csv_index_structure(enum csv_kernel kernel, const char *text, int64_t bytes, char delimiter,
                            uint32_t *index, bool *clean)
{
    (void)kernel;
    return structure_loop(text, bytes, delimiter, index, clean, structure_portable,
                          spread_portable);
}

int64_t csv_index_quotes(enum csv_kernel kernel, const char *text, int64_t bytes, uint32_t *index,
                         int64_t *line_ends)
{
    (void)kernel;
    return quotes_loop(text, bytes, index, line_ends, quotes_portable, spread_portable);
}

int64_t csv_index_line_ends(enum csv_kernel kernel, const char *text, int64_t bytes, bool *quoted)
{
    (void)kernel;
    return line_ends_loop(text, bytes, quoted, quotes_portable);
}

#endif
