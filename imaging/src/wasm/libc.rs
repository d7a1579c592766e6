//! The four functions of the C library that libwebp needs and Rust does not define for wasm: three for the heap, which
//! use Rust's allocator, and `qsort`. `cshim/include/stdlib.h` declares them.
#![expect(
    unsafe_code,
    reason = "these are C functions, which work on raw memory"
)]

use std::alloc::{Layout, alloc, alloc_zeroed, dealloc};
use std::ffi::{c_int, c_void};
use std::ptr::{null_mut, swap_nonoverlapping};

/// Bytes before each block. They hold its size, because C does not pass the size to `free`. 16 bytes keep the block
/// aligned for SIMD.
const HEAD_BYTES: usize = 16;

/// The size in those bytes.
type Size = [u8; size_of::<usize>()];

fn layout(size: usize) -> Option<Layout> {
    Layout::from_size_align(size.checked_add(HEAD_BYTES)?, HEAD_BYTES).ok()
}

/// Writes the head of a new block. Returns the address after it.
///
/// # Safety
/// `block` is null or a block of `layout(size)`.
unsafe fn headed(block: *mut u8, size: usize) -> *mut c_void {
    if block.is_null() {
        return null_mut();
    }
    // SAFETY: the block has room for its head.
    unsafe {
        block.cast::<Size>().write(size.to_ne_bytes());
        block.add(HEAD_BYTES).cast()
    }
}

#[unsafe(no_mangle)]
extern "C" fn malloc(size: usize) -> *mut c_void {
    // SAFETY: the size of the layout is not 0, and the block has this layout.
    layout(size).map_or(null_mut(), |layout| unsafe { headed(alloc(layout), size) })
}

#[unsafe(no_mangle)]
extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
    let Some(size) = count.checked_mul(size) else {
        return null_mut();
    };
    // SAFETY: as in `malloc`.
    layout(size).map_or(null_mut(), |layout| unsafe {
        headed(alloc_zeroed(layout), size)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn free(pointer: *mut c_void) {
    if pointer.is_null() {
        return;
    }
    // SAFETY: by the contract of `free`, `pointer` came from `malloc` or `calloc` and is not freed yet, so its head is
    // before it.
    unsafe {
        let block = pointer.cast::<u8>().sub(HEAD_BYTES);
        if let Some(layout) = layout(usize::from_ne_bytes(block.cast::<Size>().read())) {
            dealloc(block, layout);
        }
    }
}

type Compare = unsafe extern "C" fn(*const c_void, *const c_void) -> c_int;

/// Heap sort: in place, and O(n log n) for every input. It is not stable. libwebp's comparisons are total
/// orders, so the result does not depend on that.
#[unsafe(no_mangle)]
unsafe extern "C" fn qsort(base: *mut c_void, count: usize, size: usize, compare: Compare) {
    let base = base.cast::<u8>();
    for root in (0..count / 2).rev() {
        // SAFETY: by the contract of `qsort`, `base` has `count` elements of `size` bytes, and `compare` accepts them.
        unsafe { sift(base, root, count, (size, compare)) };
    }
    for end in (1..count).rev() {
        // SAFETY: as above. 0 and `end` are different elements.
        unsafe {
            swap_nonoverlapping(base, base.add(end * size), size);
            sift(base, 0, end, (size, compare));
        }
    }
}

/// Moves the element at `root` down until none of its children is larger.
///
/// # Safety
/// `base` has `count` elements of `size` bytes, and `compare` accepts them.
unsafe fn sift(base: *mut u8, root: usize, count: usize, (size, compare): (usize, Compare)) {
    let mut root = root;
    loop {
        let left = 2 * root + 1;
        if left >= count {
            return;
        }
        // SAFETY: all three indices are less than `count`, and the swapped elements are different.
        unsafe {
            let at = |element: usize| base.add(element * size);
            let is_less = |one: usize, other: usize| compare(at(one).cast(), at(other).cast()) < 0;
            let child = if left + 1 < count && is_less(left, left + 1) {
                left + 1
            } else {
                left
            };
            if !is_less(root, child) {
                return;
            }
            swap_nonoverlapping(at(root), at(child), size);
            root = child;
        }
    }
}
