//! The library itself: where it is, its table of functions, and what all sessions share.

use std::ffi::{CStr, CString};
use std::fmt;
use std::ptr;
use std::sync::OnceLock;

use ort_sys::{
    ExecutionMode, GraphOptimizationLevel, ORT_API_VERSION, OrtAllocatorType, OrtApi, OrtApiBase,
    OrtEnv, OrtLoggingLevel, OrtMemType, OrtMemoryInfo, OrtSessionOptions, OrtStatusPtr,
};

/// Environment variable with the path of libonnxruntime.so.1.
const PATH: &str = "TIERWISE_ONNXRUNTIME";

/// ONNX Runtime, loaded. Lives as long as the process.
pub struct Runtime {
    pub api: &'static OrtApi,
    pub env: *mut OrtEnv,
    /// One thread, one node after the other, the node as it is; the arena is on, as by default.
    pub options: *mut OrtSessionOptions,
    /// Describes the caller's memory.
    pub memory: *mut OrtMemoryInfo,
    /// As the library says: `1.30.0`.
    pub version: CString,
}

// SAFETY: the functions may be called from any thread, and the objects are not changed after they were made.
unsafe impl Send for Runtime {}
// SAFETY: as above.
unsafe impl Sync for Runtime {}

/// An error in ONNX Runtime's own words.
#[derive(Debug)]
pub struct OrtError(pub String);

impl fmt::Display for OrtError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The runtime; `None` where the library is not there or can't be used, which is told once on stderr.
pub fn get() -> Option<&'static Runtime> {
    static RUNTIME: OnceLock<Option<Runtime>> = OnceLock::new();
    let load = || {
        let path = std::env::var_os(PATH);
        #[cfg(test)]
        let path = path.or_else(crate::tests::installed);
        let path = path?;
        load(path.as_ref())
            .inspect_err(|error| eprintln!("{}: {error}", path.display()))
            .ok()
    };
    RUNTIME.get_or_init(load).as_ref()
}

fn load(path: &std::path::Path) -> Result<Runtime, OrtError> {
    // SAFETY: whoever sets the variable answers for the initialisers of what it names.
    let library = unsafe { libloading::Library::new(path) }.map_err(|e| OrtError(e.to_string()))?;
    // SAFETY: the type of ONNX Runtime's one entry point.
    let entry = unsafe {
        library.get::<unsafe extern "system" fn() -> *const OrtApiBase>(b"OrtGetApiBase\0")
    };
    // SAFETY: the base is a constant of the library, its functions take nothing but a version.
    let (api, version) = unsafe {
        let base = &*entry.map_err(|e| OrtError(e.to_string()))?();
        let version = CStr::from_ptr((base.GetVersionString)()).to_owned();
        ((base.GetApi)(ORT_API_VERSION).as_ref(), version)
    };
    let api = api.ok_or_else(|| {
        OrtError(format!(
            "{version:?} has no version {ORT_API_VERSION} of the C API"
        ))
    })?;
    // It owns threads and thread-local state: it is never unloaded.
    std::mem::forget(library);
    let (mut env, mut options, mut memory) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
    // SAFETY: each function gets what the C API asks for, the objects in the order in which they are made.
    unsafe {
        // What it can't do is answered by a status; its log would say so again.
        let level = OrtLoggingLevel::ORT_LOGGING_LEVEL_FATAL;
        check(api, (api.CreateEnv)(level, c"tierwise".as_ptr(), &mut env))?;
        check(api, (api.CreateSessionOptions)(&mut options))?;
        check(api, (api.SetIntraOpNumThreads)(options, 1))?;
        check(
            api,
            (api.SetSessionExecutionMode)(options, ExecutionMode::ORT_SEQUENTIAL),
        )?;
        let as_it_is = GraphOptimizationLevel::ORT_DISABLE_ALL;
        check(
            api,
            (api.SetSessionGraphOptimizationLevel)(options, as_it_is),
        )?;
        let (kind, use_) = (
            OrtAllocatorType::OrtDeviceAllocator,
            OrtMemType::OrtMemTypeDefault,
        );
        check(api, (api.CreateCpuMemoryInfo)(kind, use_, &mut memory))?;
    }
    Ok(Runtime {
        api,
        env,
        options,
        memory,
        version,
    })
}

/// Turns a status into a result, and frees it.
///
/// # Safety
/// `status` came from `api` and was not freed yet.
pub unsafe fn check(api: &OrtApi, status: OrtStatusPtr) -> Result<(), OrtError> {
    if status.0.is_null() {
        return Ok(());
    }
    // SAFETY: the caller's condition; the message lives as long as the status.
    unsafe {
        let message = CStr::from_ptr((api.GetErrorMessage)(status.0))
            .to_string_lossy()
            .into_owned();
        (api.ReleaseStatus)(status.0);
        Err(OrtError(message))
    }
}
