//! The exports of the wasm module. They use only numbers and pointers into the memory of the module. There are no
//! imports.
//!
//! The host writes to a buffer that an export has returned, and reads the bytes to which `codec_reply_*` and
//! `codec_bytes_*` point. Any call may move these buffers and grow the memory. The module works on one image at a time.
//!
//! | call | does |
//! |---|---|
//! | `codec_scratch(len) → ptr` | reserves the scratch buffer |
//! | `codec_plan() → status` | reads the plan from the scratch buffer, as JSON |
//! | `codec_probe(size_bytes) → status` | reads the first bytes of a file of that size from the scratch buffer and checks the header; the reply is the estimated memory in bytes, or null if more of the file is needed |
//! | `codec_input(size_bytes) → ptr` | reserves the buffer for the whole file; 0 if there is not enough memory, and then the reply is the failure |
//! | `codec_open() → status` | decodes the file |
//! | `codec_next() → status` | makes the next variant: the reply describes it, and the bytes are its file; 1 after the last one |
//! | `codec_report() → status` | the reply is the report |
//! | `codec_reset()` | frees everything |
//! | `codec_simd() → 0 or 1` | whether the module was built with SIMD |
//! | `codec_trap()` | traps; for tests of the host |
//!
//! Status: 0 is done, 1 is no more variants, 2 is failed, and then the reply is a `Failure`. Replies are JSON.
#![expect(
    unsafe_code,
    reason = "exporting a symbol is unsafe, because two of the same name would clash; these names are used only here"
)]

use std::cell::RefCell;

use shared::image::ImagePlan;
use shared::problem::{ErrorCode, Failure};

use crate::admit::{Probe, probe};
use crate::fault;
use crate::session::Session;

const DONE: u32 = 0;
const NO_MORE: u32 = 1;
const FAILED: u32 = 2;

/// What the module keeps between calls.
#[derive(Default)]
struct State {
    scratch: Vec<u8>,
    plan: Option<ImagePlan>,
    input: Vec<u8>,
    session: Option<Session>,
    reply: Vec<u8>,
    bytes: Vec<u8>,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

fn with<T>(act: impl FnOnce(&mut State) -> T) -> T {
    STATE.with_borrow_mut(act)
}

impl State {
    fn reply(&mut self, value: &impl serde::Serialize) -> u32 {
        self.reply.clear();
        match serde_json::to_writer(&mut self.reply, value) {
            Ok(()) => DONE,
            Err(_) => FAILED,
        }
    }

    /// The status of a step. Makes its failure the reply.
    fn settle(&mut self, result: Result<u32, Failure>) -> u32 {
        result.unwrap_or_else(|failure| {
            self.reply(&failure);
            FAILED
        })
    }

    fn plan(&self) -> Result<&ImagePlan, Failure> {
        self.plan
            .as_ref()
            .ok_or_else(|| fault::internal("find the plan"))
    }

    fn session(&mut self) -> Result<&mut Session, Failure> {
        self.session
            .as_mut()
            .ok_or_else(|| fault::internal("find the decoded image"))
    }

    fn next(&mut self) -> Result<u32, Failure> {
        let Some((variant, bytes)) = self.session()?.next_variant()? else {
            return Ok(NO_MORE);
        };
        self.bytes = bytes;
        Ok(self.reply(&variant))
    }
}

/// A buffer of zeroes, or `None` if there is not enough memory.
fn reserve(size_bytes: usize) -> Option<Vec<u8>> {
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(size_bytes).ok()?;
    buffer.resize(size_bytes, 0);
    Some(buffer)
}

#[unsafe(no_mangle)]
extern "C" fn codec_scratch(size_bytes: usize) -> *mut u8 {
    with(|state| {
        state.scratch = reserve(size_bytes).unwrap_or_default();
        if state.scratch.len() == size_bytes {
            state.scratch.as_mut_ptr()
        } else {
            std::ptr::null_mut()
        }
    })
}

#[unsafe(no_mangle)]
extern "C" fn codec_plan() -> u32 {
    with(|state| {
        state.plan = serde_json::from_slice(&std::mem::take(&mut state.scratch)).ok();
        let result = state.plan().map(|_| DONE);
        state.settle(result)
    })
}

#[unsafe(no_mangle)]
extern "C" fn codec_probe(size_bytes: u32) -> u32 {
    with(|state| {
        let prefix = std::mem::take(&mut state.scratch);
        let result = state
            .plan()
            .and_then(|plan| probe(&prefix, u64::from(size_bytes), plan));
        match result {
            Ok(Probe::Ready(summary)) => state.reply(&Some(summary.memory_bytes)),
            Ok(Probe::NeedMore) => state.reply(&None::<u64>),
            Err(failure) => state.settle(Err(failure)),
        }
    })
}

#[unsafe(no_mangle)]
extern "C" fn codec_input(size_bytes: usize) -> *mut u8 {
    with(|state| {
        state.session = None;
        state.bytes = Vec::new();
        state.input = Vec::new();
        if let Some(input) = reserve(size_bytes) {
            state.input = input;
            state.input.as_mut_ptr()
        } else {
            state.reply(&Failure::new(
                ErrorCode::ImageMemoryExceeded,
                "The file alone needs more memory than the codec has. Upload a smaller version.",
            ));
            std::ptr::null_mut()
        }
    })
}

#[unsafe(no_mangle)]
extern "C" fn codec_open() -> u32 {
    with(|state| {
        let input = std::mem::take(&mut state.input);
        match state.plan().and_then(|plan| Session::open(input, plan)) {
            Ok(session) => {
                state.session = Some(session);
                DONE
            }
            Err(failure) => state.settle(Err(failure)),
        }
    })
}

#[unsafe(no_mangle)]
extern "C" fn codec_next() -> u32 {
    with(|state| {
        let result = state.next();
        state.settle(result)
    })
}

#[unsafe(no_mangle)]
extern "C" fn codec_report() -> u32 {
    with(|state| {
        let result = state.session().and_then(Session::report);
        match result {
            Ok(report) => state.reply(&report),
            Err(failure) => state.settle(Err(failure)),
        }
    })
}

#[unsafe(no_mangle)]
extern "C" fn codec_reply_ptr() -> *const u8 {
    with(|state| state.reply.as_ptr())
}

#[unsafe(no_mangle)]
extern "C" fn codec_reply_len() -> usize {
    with(|state| state.reply.len())
}

#[unsafe(no_mangle)]
extern "C" fn codec_bytes_ptr() -> *const u8 {
    with(|state| state.bytes.as_ptr())
}

#[unsafe(no_mangle)]
extern "C" fn codec_bytes_len() -> usize {
    with(|state| state.bytes.len())
}

#[unsafe(no_mangle)]
extern "C" fn codec_reset() {
    with(|state| *state = State::default());
}

#[unsafe(no_mangle)]
extern "C" fn codec_simd() -> u32 {
    u32::from(cfg!(target_feature = "simd128"))
}

#[unsafe(no_mangle)]
extern "C" fn codec_trap() {
    core::arch::wasm32::unreachable()
}
