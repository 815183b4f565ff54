//! Memory that this process and runners share.

use std::fs::File;

use napi::bindgen_prelude::{ArrayBuffer, Env};
use napi::{Error, Result};
use napi_derive::napi;
use tierwise_exec::memory::{self, Guarded, Mapping, PAGE};

/// Pages that this process fills and reads plainly, and that runners map between inaccessible pages.
#[napi]
pub struct Arena {
    arena: memory::Arena,
}

#[napi]
impl Arena {
    /// An arena with its status page. Throws when the system has no memory to give.
    #[napi(constructor)]
    pub fn new() -> Result<Self> {
        let mut arena = memory::Arena::new()
            .map_err(|e| Error::from_reason(format!("no shared memory: {e}")))?;
        arena
            .grow(PAGE)
            .map_err(|e| Error::from_reason(format!("no shared memory: {e}")))?;
        Ok(Self { arena })
    }

    /// Adds pages for `bytes` bytes (rounded up to whole pages). Returns the byte of the arena at which
    /// they begin, as runners' `map` requests take it.
    #[napi]
    pub fn grow(&mut self, bytes: i64) -> Result<i64> {
        let bytes = usize::try_from(bytes)
            .map_err(|_| Error::from_reason(format!("cannot add {bytes} bytes")))?;
        let offset = self
            .arena
            .grow(bytes)
            .map_err(|e| Error::from_reason(format!("no room for {bytes} bytes: {e}")))?;
        Ok(offset.cast_signed())
    }

    /// A view of `bytes` bytes of the arena from byte `offset` on: shared memory, not a copy.
    #[napi]
    pub fn view<'env>(&self, env: &'env Env, offset: i64, bytes: i64) -> Result<ArrayBuffer<'env>> {
        let length = usize::try_from(bytes)
            .map_err(|_| Error::from_reason(format!("cannot view {bytes} bytes")))?;
        let mapping = Mapping::shared(self.arena.file(), offset.cast_unsigned(), length)
            .map_err(|e| Error::from_reason(format!("cannot map {bytes} bytes: {e}")))?;
        let start = mapping.start();
        // SAFETY: the mapping lives until the finaliser drops it, when JavaScript has no view any more.
        unsafe {
            ArrayBuffer::from_external(env, start, length, mapping, |_, mapping| drop(mapping))
        }
    }

    /// As kernels have a slot: `span` pages from byte `offset` on, between inaccessible ones. With `pages` only
    /// the pages of these numbers exist, one behind the other in the arena, and to touch another one is a fault.
    #[napi]
    pub fn map<'env>(
        &self,
        env: &'env Env,
        offset: i64,
        span: i64,
        pages: Option<Vec<i64>>,
    ) -> Result<ArrayBuffer<'env>> {
        let count = usize::try_from(span)
            .map_err(|_| Error::from_reason(format!("cannot map {span} pages")))?;
        let pages: Option<Vec<u64>> =
            pages.map(|pages| pages.into_iter().map(i64::cast_unsigned).collect());
        let file = self.arena.file();
        let region = Guarded::shared(file, offset.cast_unsigned(), count, pages.as_deref())
            .map_err(|e| Error::from_reason(format!("cannot map {span} pages: {e}")))?;
        let (start, length) = (region.start(), region.length());
        // SAFETY: as in `view`. Pages that do not exist fault, which is what they are for.
        unsafe { ArrayBuffer::from_external(env, start, length, region, |_, region| drop(region)) }
    }

    /// Gives memory back to the system; views and runners' slots of it read zeros from now on.
    #[napi]
    pub fn discard(&self, offset: i64, bytes: i64) -> Result<()> {
        let length = usize::try_from(bytes)
            .map_err(|_| Error::from_reason(format!("cannot discard {bytes} bytes")))?;
        self.arena
            .discard(offset.cast_unsigned(), length)
            .map_err(|e| Error::from_reason(format!("cannot give back {bytes} bytes: {e}")))
    }
}

impl Arena {
    /// The arena of another process, by its file.
    pub fn of(file: File) -> Result<Self> {
        let arena =
            memory::Arena::of(file).map_err(|e| Error::from_reason(format!("no arena: {e}")))?;
        Ok(Self { arena })
    }

    /// The file behind the pages.
    pub fn file(&self) -> &File {
        self.arena.file()
    }
}
