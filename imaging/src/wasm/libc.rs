//! The four functions of the C library that libwebp needs and that Rust does not define for wasm: its heap,
//! on Rust's allocator, and a sort. The declarations are in `cshim/include/stdlib.h`.
#![expect(
    unsafe_code,
    reason = "these are C functions: raw memory in, raw memory out"
)]

use std::alloc::{Layout, alloc, alloc_zeroed, dealloc};
use std::ffi::{c_int, c_void};
use std::ptr::{null_mut, swap_nonoverlapping};

/// `free` is not told the size, so it stands before each block. 16 keeps the block aligned for SIMD.
const HEAD_BYTES: usize = 16;

/// A size as it stands there.
type Size = [u8; size_of::<usize>()];

fn layout(size: usize) -> Option<Layout> {
    Layout::from_size_align(size.checked_add(HEAD_BYTES)?, HEAD_BYTES).ok()
}

/// Writes the head of a new block; gives what follows it.
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
    // SAFETY: the layout has at least the head's size; the block is of this layout.
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
    // SAFETY: C's contract: `pointer` came from `malloc` or `calloc` and was not freed, so its head is before it.
    unsafe {
        let block = pointer.cast::<u8>().sub(HEAD_BYTES);
        if let Some(layout) = layout(usize::from_ne_bytes(block.cast::<Size>().read())) {
            dealloc(block, layout);
        }
    }
}

type Compare = unsafe extern "C" fn(*const c_void, *const c_void) -> c_int;

/// Heap sort: in place, O(n log n) for every input. Unstable like C's; libwebp's orders are total.
#[unsafe(no_mangle)]
unsafe extern "C" fn qsort(base: *mut c_void, count: usize, size: usize, compare: Compare) {
    let base = base.cast::<u8>();
    for root in (0..count / 2).rev() {
        // SAFETY: C's contract: `base` has `count` elements of `size` bytes that `compare` takes.
        unsafe { sift(base, root, count, (size, compare)) };
    }
    for end in (1..count).rev() {
        // SAFETY: as above; 0 and `end` are different elements.
        unsafe {
            swap_nonoverlapping(base, base.add(end * size), size);
            sift(base, 0, end, (size, compare));
        }
    }
}

/// Moves the element at `root` down until no child of it is larger.
///
/// # Safety
/// `base` has `count` elements of `size` bytes that `compare` takes.
unsafe fn sift(base: *mut u8, root: usize, count: usize, (size, compare): (usize, Compare)) {
    let mut root = root;
    loop {
        let left = 2 * root + 1;
        if left >= count {
            return;
        }
        // SAFETY: all three indices are below `count`; the swapped elements are different ones.
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
