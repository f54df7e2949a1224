//! The C ABI that the bootstrap calls through `ctypes.PyDLL`, which keeps the interpreter's lock held.
//!
//! Every function is called on the interpreter's only thread, from code of ours; but code of the
//! function can call them as well, with anything. It then harms the process that it is in already.

use std::ffi::{c_char, c_int, c_void};
use std::io;
use std::sync::Mutex;

use leasehold_sandbox::sys::fds;

use crate::Control;
use crate::control::CONTROL_FD;
use crate::hooks::Hooks;
use crate::wire::{CallHead, FailureKind, FromZygote, ReplyHead};
use crate::worker::Worker;
use crate::zygote;

/// The worker that this process is, and what it has last handed to the interpreter.
struct State {
    worker: Worker,
    handed: Vec<u8>,
}

static STATE: Mutex<Option<State>> = Mutex::new(None);

/// `PyOS_BeforeFork` and its kin of CPython's C API, found at run time: the library is made for none
/// of its versions.
struct PythonHooks;

impl PythonHooks {
    fn call(name: &std::ffi::CStr) {
        // SAFETY: looks a symbol up in what the process has loaded; the name is a C string.
        let symbol = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
        if symbol.is_null() {
            return;
        }
        // SAFETY: CPython documents all three as `void (*)(void)`, to be called around fork with the
        // interpreter's lock held, as it is in a call through PyDLL.
        unsafe {
            let function: extern "C" fn() =
                std::mem::transmute::<*mut c_void, extern "C" fn()>(symbol);
            function();
        }
    }
}

impl Hooks for PythonHooks {
    fn before(&self) {
        Self::call(c"PyOS_BeforeFork");
    }
    fn after_in_parent(&self) {
        Self::call(c"PyOS_AfterFork_Parent");
    }
    fn after_in_child(&self) {
        Self::call(c"PyOS_AfterFork_Child");
    }
}

/// Enters the fork loop. Returns 0 in a worker, and -1 in a zygote that cannot go on.
#[unsafe(no_mangle)]
extern "C" fn leasehold_serve() -> c_int {
    let serve = || {
        let control = Control::new(fds::take_inherited(CONTROL_FD)?);
        zygote::serve(control, &PythonHooks)
    };
    match serve() {
        Ok(worker) => set_state(Some(State {
            worker,
            handed: Vec::new(),
        })),
        Err(error) => {
            eprintln!("leasehold: the zygote cannot go on: {error}");
            -1
        }
    }
}

/// Becomes the worker that this process was before it became the interpreter: it has its socket, and is
/// restricted since before this program's first instruction. Returns 0, or -1 on an error.
#[unsafe(no_mangle)]
extern "C" fn leasehold_adopt() -> c_int {
    match fds::take_inherited(CONTROL_FD) {
        Ok(socket) => set_state(Some(State {
            worker: Worker::adopted(socket),
            handed: Vec::new(),
        })),
        Err(error) => {
            eprintln!("leasehold: the worker has no socket: {error}");
            -1
        }
    }
}

/// Tells the host that the function is loaded, in a worker that has loaded it for itself. Returns 0, or
/// -1 when the host has given it up.
#[unsafe(no_mangle)]
extern "C" fn leasehold_loaded() -> c_int {
    with_state(|state| {
        state.worker.loaded()?;
        Ok(0)
    })
}

/// Tells the host that the function cannot be loaded.
///
/// # Safety
/// `message` points to `len` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn leasehold_import_failed(message: *const c_char, len: usize) -> c_int {
    // SAFETY: passed on from the caller.
    let message = String::from_utf8_lossy(unsafe { bytes(message, len) });
    let message: String = message.chars().take(1000).collect();
    status(
        fds::take_inherited(CONTROL_FD)
            .and_then(|socket| Control::new(socket).send(&FromZygote::Failed { message }, &[])),
    )
}

/// Waits for a call. Hands out its head, fields separated by NUL: id, method, path, query, then a
/// name and a value for each header. Returns 1, 0 when there will be no more calls, -1 on an error.
///
/// # Safety
/// `head` and `len` point to writable values. What they are set to is valid until the next call.
#[unsafe(no_mangle)]
unsafe extern "C" fn leasehold_next(head: *mut *const c_char, len: *mut usize) -> c_int {
    with_state(|state| match state.worker.next_call()? {
        None => Ok(0),
        Some(call) => {
            state.handed = flatten(&call);
            // SAFETY: passed on from the caller.
            unsafe { hand(&state.handed, head, len) };
            Ok(1)
        }
    })
}

/// Hands out the call's body. Returns 0, or -1 on an error.
///
/// # Safety
/// As for [`leasehold_next`].
#[unsafe(no_mangle)]
unsafe extern "C" fn leasehold_body(body: *mut *const c_char, len: *mut usize) -> c_int {
    with_state(|state| {
        state.handed = state.worker.read_body()?;
        // SAFETY: passed on from the caller.
        unsafe { hand(&state.handed, body, len) };
        Ok(0)
    })
}

/// Begins a reply. `headers` are names and values, each ended by NUL. With `whole` the body is all of
/// it and ends the reply; else pieces follow. Returns 0, or -1 when the host has ended the call, or
/// for a status below 200, which no function may give: nothing is sent then.
///
/// # Safety
/// Both pointers point to as many bytes as the length after them says.
#[unsafe(no_mangle)]
unsafe extern "C" fn leasehold_reply(
    status: u16,
    headers: *const c_char,
    headers_len: usize,
    body: *const c_char,
    body_len: usize,
    whole: c_int,
) -> c_int {
    // SAFETY: passed on from the caller.
    let (headers, body) = unsafe { (bytes(headers, headers_len), bytes(body, body_len)) };
    let mut fields = headers.split(|&byte| byte == 0);
    let mut pairs = Vec::new();
    while let (Some(name), Some(value)) = (fields.next(), fields.next()) {
        pairs.push((String::from_utf8_lossy(name).into_owned(), value.to_vec()));
    }
    let head = ReplyHead {
        status,
        headers: pairs,
    };
    if status < 200 {
        return -1;
    }
    with_state(|state| {
        state.worker.reply(&head, (whole != 0).then_some(body))?;
        Ok(0)
    })
}

/// Sends a piece of a reply's body, or ends it if `len` is 0. Returns 0, or -1 when the host has
/// ended the call.
///
/// # Safety
/// `chunk` points to `len` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn leasehold_reply_body(chunk: *const c_char, len: usize) -> c_int {
    // SAFETY: passed on from the caller.
    let chunk = unsafe { bytes(chunk, len) };
    with_state(|state| {
        if len == 0 {
            state.worker.reply_end()?
        } else {
            state.worker.reply_body(chunk)?
        }
        Ok(0)
    })
}

/// Says that the handler has failed. Returns 0, or -1 when the host has ended the call.
///
/// # Safety
/// `message` points to `len` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn leasehold_reply_failed(message: *const c_char, len: usize) -> c_int {
    // SAFETY: passed on from the caller.
    let message = String::from_utf8_lossy(unsafe { bytes(message, len) });
    with_state(|state| {
        state.worker.reply_failed(FailureKind::Failed, &message)?;
        Ok(0)
    })
}

fn set_state(state: Option<State>) -> c_int {
    let Ok(mut guard) = STATE.lock() else {
        return -1;
    };
    *guard = state;
    0
}

fn with_state(act: impl FnOnce(&mut State) -> io::Result<c_int>) -> c_int {
    let Ok(mut guard) = STATE.lock() else {
        return -1;
    };
    guard.as_mut().map_or(-1, |state| act(state).unwrap_or(-1))
}

fn status(result: io::Result<()>) -> c_int {
    if result.is_ok() { 0 } else { -1 }
}

fn flatten(call: &CallHead) -> Vec<u8> {
    let mut fields: Vec<&[u8]> = vec![
        call.id.as_bytes(),
        call.method.as_bytes(),
        call.path.as_bytes(),
        call.query.as_bytes(),
    ];
    for (name, value) in &call.headers {
        fields.extend([name.as_bytes(), value.as_slice()]);
    }
    fields.join(&0)
}

/// # Safety
/// `pointer` points to `len` bytes that nobody changes while the slice is used.
unsafe fn bytes<'a>(pointer: *const c_char, len: usize) -> &'a [u8] {
    if pointer.is_null() || len == 0 {
        return &[];
    }
    // SAFETY: not null, and the caller vouches for the length.
    unsafe { std::slice::from_raw_parts(pointer.cast(), len) }
}

/// # Safety
/// Both pointers are null or point to writable values.
unsafe fn hand(handed: &[u8], pointer: *mut *const c_char, len: *mut usize) {
    if pointer.is_null() || len.is_null() {
        return;
    }
    // SAFETY: not null, and the caller vouches that they are writable.
    unsafe {
        *pointer = handed.as_ptr().cast();
        *len = handed.len();
    }
}
