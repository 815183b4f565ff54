//! Memory for calls: one shared file of pages, mapped plainly where data is made and compared, and between
//! inaccessible pages where kernels run.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd};
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicBool, Ordering};

/// The grain of what can be made inaccessible, in bytes.
pub const PAGE: usize = 4096;

/// Inaccessible bytes on either side of a guarded region: wide, so that a long step past the end faults too.
const GUARD: usize = 1 << 20;

/// Whether what is around a region can be read.
static LENIENT: AtomicBool = AtomicBool::new(false);

/// From now on only writes around a region are faults, and reads see zeros: for emulators that load whole vectors
/// where a CPU loads the lanes of a mask.
pub fn let_reads_pass() {
    LENIENT.store(true, Ordering::Relaxed);
}

/// A range of address space that is unmapped when dropped.
#[derive(Debug)]
pub struct Mapping {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: the range belongs to this value alone; what is shared is the file behind it.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the range was mapped by this value and nothing else unmaps it.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.length) };
    }
}

impl Mapping {
    fn new(length: usize, protection: i32, flags: i32, fd: i32, offset: i64) -> io::Result<Self> {
        // SAFETY: a fresh mapping at an address of the kernel's choice disturbs nothing.
        let start = unsafe { libc::mmap(null_mut(), length, protection, flags, fd, offset) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(Self {
            start: NonNull::new(start.cast()).expect("mmap gives no NULL"),
            length,
        })
    }

    /// First byte.
    pub fn start(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    /// Readable and writable pages of `file`.
    pub fn shared(file: &File, offset: u64, length: usize) -> io::Result<Self> {
        Self::new(
            length,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED,
            file.as_raw_fd(),
            offset.cast_signed(),
        )
    }
}

/// Pages between inaccessible ones.
#[derive(Debug)]
pub struct Guarded {
    mapping: Mapping,
    length: usize,
}

impl Guarded {
    fn reserve(length: usize) -> io::Result<Self> {
        let whole = length.checked_add(2 * GUARD).ok_or_else(|| {
            io::Error::other(format!("{length} bytes are beyond the address space"))
        })?;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        let around = match LENIENT.load(Ordering::Relaxed) {
            true => libc::PROT_READ,
            false => libc::PROT_NONE,
        };
        Ok(Self {
            mapping: Mapping::new(whole, around, flags, -1, 0)?,
            length,
        })
    }

    fn overlay(
        &self,
        at: usize,
        length: usize,
        flags: i32,
        fd: i32,
        offset: u64,
    ) -> io::Result<()> {
        assert!(at + length <= self.length, "pages beyond their region");
        // SAFETY: MAP_FIXED replaces pages inside the range that this value reserved, as just checked.
        let place = unsafe {
            libc::mmap(
                self.start().add(at).cast(),
                length,
                libc::PROT_READ | libc::PROT_WRITE,
                flags | libc::MAP_FIXED,
                fd,
                offset.cast_signed(),
            )
        };
        if place == libc::MAP_FAILED {
            Err(io::Error::last_os_error())
        } else {
            Ok(())
        }
    }

    /// `span` pages of address space; those in `pages` (ascending; all when `None`) are consecutive pages of
    /// `file` from `offset` on, the others do not exist.
    pub fn shared(
        file: &File,
        offset: u64,
        span: usize,
        pages: Option<&[u64]>,
    ) -> io::Result<Self> {
        let region = Self::reserve(span * PAGE)?;
        let fd = file.as_raw_fd();
        match pages {
            None => region.overlay(0, span * PAGE, libc::MAP_SHARED, fd, offset)?,
            Some(pages) => {
                for (page, rank) in pages.iter().zip(0u64..) {
                    let at = usize::try_from(*page).map_err(io::Error::other)? * PAGE;
                    region.overlay(at, PAGE, libc::MAP_SHARED, fd, offset + rank * PAGE as u64)?;
                }
            }
        }
        Ok(region)
    }

    /// Fresh private pages for at least `bytes` bytes.
    pub fn private(bytes: usize) -> io::Result<Self> {
        let length = bytes.max(1).next_multiple_of(PAGE);
        let region = Self::reserve(length)?;
        region.overlay(0, length, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0)?;
        Ok(region)
    }

    /// First byte of the first page.
    pub fn start(&self) -> *mut u8 {
        // SAFETY: the reservation is `length` and two guards long.
        unsafe { self.mapping.start().add(GUARD) }
    }

    /// Bytes from the first page to the end of the last.
    pub fn length(&self) -> usize {
        self.length
    }
}

/// A file of pages without a name, that grows.
#[derive(Debug)]
pub struct Arena {
    file: File,
    used: u64,
}

impl Arena {
    /// An empty arena.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            file: anonymous_file(c"tierwise-arena")?,
            used: 0,
        })
    }

    /// The arena of another process, by its file.
    pub fn of(file: File) -> io::Result<Self> {
        let used = file.metadata()?.len();
        Ok(Self { file, used })
    }

    /// The file, to hand to another process or to map.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Adds pages; returns where in the file they begin.
    pub fn grow(&mut self, bytes: usize) -> io::Result<u64> {
        let start = self.used;
        let end = start + bytes.next_multiple_of(PAGE) as u64;
        self.file.set_len(end)?;
        self.used = end;
        Ok(start)
    }

    /// Gives the memory of pages back; they read as zeros from now on.
    pub fn discard(&self, offset: u64, bytes: usize) -> io::Result<()> {
        let mode = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
        let length = bytes.next_multiple_of(PAGE) as i64;
        // SAFETY: acts on a file that this value owns.
        let done =
            unsafe { libc::fallocate(self.file.as_raw_fd(), mode, offset.cast_signed(), length) };
        if done == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }
}

/// A file in memory that vanishes with its last descriptor.
pub fn anonymous_file(name: &std::ffi::CStr) -> io::Result<File> {
    // SAFETY: `name` ends in a zero byte; the descriptor is fresh and owned by the result.
    unsafe {
        let fd = libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC);
        if fd < 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(File::from_raw_fd(fd))
        }
    }
}
