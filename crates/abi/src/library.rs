//! The table of kernels: built in, or loaded from a shared object. The one way in to any kernel.

use std::collections::HashSet;
use std::ffi::{CStr, c_char};
use std::path::Path;

use crate::c::{ExecutedFn, LibraryFn, TIERWISE_ABI, TwKernel, TwLibrary};

/// More rows than any real library has: a count beyond it is taken for garbage.
const MOST_KERNELS: u32 = 4096;

/// Why a library can't be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The dynamic loader refused the file.
    #[error("cannot load the library: {0}")]
    Open(String),
    /// No `tierwise_library` in it.
    #[error("exports no tierwise_library(): it is not a kernel library (see kernel-abi.h)")]
    NoSymbol,
    /// `tierwise_library()` returned NULL.
    #[error("tierwise_library() returned NULL")]
    NullLibrary,
    /// Another version of the interface.
    #[error("speaks version {found} of the kernel interface, not {TIERWISE_ABI}")]
    Abi {
        /// What the library says.
        found: u32,
    },
    /// A row that can't be true.
    #[error("row {row} of the kernel table: {what}")]
    Row {
        /// Index into the table.
        row: u32,
        /// What is wrong with it.
        what: String,
    },
    /// The head of the table can't be true.
    #[error("the kernel table: {0}")]
    Table(String),
}

/// One kernel of a library.
#[derive(Debug)]
pub struct Kernel {
    /// `rms_norm`, `rope` or `gqa`.
    pub op: String,
    /// Unique together with op and tier.
    pub name: String,
    /// `scalar`, `sse2`, ...
    pub tier: String,
    /// The row itself; `run` and `available` are there.
    pub row: TwKernel,
}

/// A library whose table was read and makes sense.
#[derive(Debug)]
pub struct Library {
    /// As the library calls itself.
    pub name: String,
    /// As the library says.
    pub version: String,
    /// Its table, in its order.
    pub kernels: Vec<Kernel>,
    executed: Option<ExecutedFn>,
    /// Keeps the code mapped; dropped last.
    _code: Option<libloading::Library>,
}

impl Library {
    /// Loads a shared object and reads its table.
    ///
    /// # Safety
    /// Loading runs the object's initialisers, and its table is believed to point to what it says.
    pub unsafe fn open(path: &Path) -> Result<Self, LoadError> {
        // SAFETY: the caller answers for the object's initialisers.
        let code =
            unsafe { libloading::Library::new(path) }.map_err(|e| LoadError::Open(reason(&e)))?;
        // SAFETY: the interface fixes the types of both symbols.
        let (entry, executed) = unsafe {
            let entry = code
                .get::<LibraryFn>(b"tierwise_library\0")
                .map_err(|_| LoadError::NoSymbol)?;
            let executed = code.get::<ExecutedFn>(b"tierwise_executed\0").ok();
            (*entry, executed.map(|symbol| *symbol))
        };
        // SAFETY: `tierwise_library` takes nothing and returns a table that lives as long as the object.
        let table = unsafe { entry().as_ref() }.ok_or(LoadError::NullLibrary)?;
        // SAFETY: the table is the object's, which the result keeps.
        unsafe { Self::read(table, executed, Some(code)) }
    }

    /// A table that is linked into this program.
    pub fn built_in(table: &'static TwLibrary, executed: ExecutedFn) -> Result<Self, LoadError> {
        // SAFETY: the table is a constant of this program.
        unsafe { Self::read(table, Some(executed), None) }
    }

    /// # Safety
    /// `table`'s pointers must be NULL or point to what kernel-abi.h says, for as long as `code` is loaded.
    unsafe fn read(
        table: &TwLibrary,
        executed: Option<ExecutedFn>,
        code: Option<libloading::Library>,
    ) -> Result<Self, LoadError> {
        if table.abi != TIERWISE_ABI {
            return Err(LoadError::Abi { found: table.abi });
        }
        if table.kernel_count == 0 || table.kernel_count > MOST_KERNELS || table.kernels.is_null() {
            return Err(LoadError::Table(format!(
                "kernel_count is {}{}; it takes 1 to {MOST_KERNELS} rows",
                table.kernel_count,
                if table.kernels.is_null() {
                    " and kernels is NULL"
                } else {
                    ""
                },
            )));
        }
        // SAFETY: as the caller says, of this function and of `text`.
        let (rows, name, version) = unsafe {
            let rows = std::slice::from_raw_parts(table.kernels, table.kernel_count as usize);
            let name = text(table.name).map_err(|e| LoadError::Table(format!("name {e}")))?;
            (
                rows,
                name,
                text(table.version).map_err(|e| LoadError::Table(format!("version {e}")))?,
            )
        };
        let mut seen = HashSet::new();
        let mut kernels = Vec::with_capacity(rows.len());
        for (row, index) in rows.iter().zip(0..) {
            let fail = |what: String| LoadError::Row { row: index, what };
            // SAFETY: as above.
            let (op, name, tier) = unsafe {
                (
                    text(row.op).map_err(|e| fail(format!("op {e}")))?,
                    text(row.name).map_err(|e| fail(format!("name {e}")))?,
                    text(row.tier).map_err(|e| fail(format!("tier {e}")))?,
                )
            };
            if [&op, &name, &tier].iter().any(|part| part.contains('/')) {
                return Err(fail(format!(
                    "a slash in op {op:?}, name {name:?} or tier {tier:?}"
                )));
            }
            if row.run.is_none() || row.available.is_none() {
                return Err(fail(format!(
                    "{op}/{name}/{tier} has no run or no available function"
                )));
            }
            if !seen.insert((op.clone(), name.clone(), tier.clone())) {
                return Err(fail(format!("{op}/{name}/{tier} stands there twice")));
            }
            kernels.push(Kernel {
                op,
                name,
                tier,
                row: *row,
            });
        }
        Ok(Self {
            name,
            version,
            kernels,
            executed,
            _code: code,
        })
    }

    /// What the library says the calling thread's last run executed; `None` when it does not say.
    pub fn executed(&self) -> Option<String> {
        let executed = self.executed?;
        // SAFETY: the interface fixes the type; the text is a constant of the library.
        unsafe { text(executed()).ok() }
    }
}

/// # Safety
/// `pointer` is NULL or points to text that ends in a zero byte.
unsafe fn text(pointer: *const c_char) -> Result<String, &'static str> {
    if pointer.is_null() {
        return Err("is NULL");
    }
    // SAFETY: as the caller says.
    let text = unsafe { CStr::from_ptr(pointer) }
        .to_str()
        .map_err(|_| "is not UTF-8 text")?;
    if text.is_empty() || text.len() > 200 || text.contains(char::is_control) {
        return Err("is empty, longer than 200 bytes, or holds control characters");
    }
    Ok(text.to_owned())
}

/// The loader's own words: the error beneath the wrapper's.
fn reason(error: &libloading::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}
