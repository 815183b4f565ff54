//! Carries out requests on one library: maps slots, runs calls, puts them on the clock.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tierwise_abi::c::{TW_INVALID, TW_UNSUPPORTED, TwKernel};
use tierwise_abi::library::Library;

use crate::args::Args;
use crate::clock::Clock;
use crate::dense::dense_bytes;
use crate::memory::Guarded;
use crate::prepared::Prepared;
use crate::request::{
    Call, Contender, Fill, KernelInfo, Manner, Request, Response, Run, RunResult, Slot, Tensor,
    Wording,
};
use crate::roof;
use crate::scratch::Scratch;
use crate::survey::{Survey, survey};

/// More scratch than this is taken for an error of `scratch_size`.
const MOST_SCRATCH: u64 = 4 << 30;

/// Runs kernels of one library on slots of one arena.
#[derive(Debug)]
pub struct Executor {
    library: Library,
    arena: File,
    slots: HashMap<u32, Guarded>,
    /// Scratch of the last run, as it left it.
    left: RefCell<Option<Scratch>>,
}

impl Executor {
    /// An executor without slots.
    pub fn new(library: Library, arena: File) -> Self {
        Self {
            library,
            arena,
            slots: HashMap::new(),
            left: RefCell::new(None),
        }
    }

    /// Does what a message asks; whatever is wrong with it becomes `Refused`.
    pub fn handle(&mut self, message: &[u8]) -> Response {
        let answer = serde_json::from_slice(message)
            .map_err(|e| format!("damaged request: {e}"))
            .and_then(|request| {
                catch_unwind(AssertUnwindSafe(|| self.carry_out(request)))
                    .unwrap_or_else(|panic| Err(format!("panic: {}", panic_text(&*panic))))
            });
        answer.unwrap_or_else(|error| Response::Refused { error })
    }

    fn carry_out(&mut self, request: Request) -> Result<Response, String> {
        match request {
            Request::Table => Ok(self.table()),
            Request::Available { kernel } => Ok(Response::Available {
                available: available(&self.kernel(kernel)?),
            }),
            Request::Map { forget, slots } => {
                for slot in forget {
                    self.slots
                        .remove(&slot)
                        .ok_or_else(|| format!("no slot {slot}"))?;
                }
                let addresses = slots
                    .iter()
                    .map(|slot| self.map(slot))
                    .collect::<Result<_, _>>()?;
                Ok(Response::Mapped { addresses })
            }
            Request::Run { runs } => {
                let run = |run: &Run| {
                    self.run(run)
                        .unwrap_or_else(|error| RunResult::Refused { error })
                };
                Ok(Response::Ran {
                    results: runs.iter().map(run).collect(),
                })
            }
            Request::Time {
                contender,
                call,
                clock,
            } => self.time(&contender, &call, clock),
        }
    }

    fn table(&self) -> Response {
        let rows: Vec<_> = self
            .library
            .kernels
            .iter()
            .map(|kernel| (kernel.tier.as_str(), kernel.row))
            .collect();
        let surveys = survey(&rows);
        let info = |(kernel, code): (&tierwise_abi::library::Kernel, Survey)| KernelInfo {
            code,
            op: kernel.op.clone(),
            name: kernel.name.clone(),
            tier: kernel.tier.clone(),
            available: available(&kernel.row),
            numerics: kernel.row.numerics,
            promises: kernel.row.promises,
        };
        Response::Table {
            name: self.library.name.clone(),
            version: self.library.version.clone(),
            kernels: self.library.kernels.iter().zip(surveys).map(info).collect(),
        }
    }

    fn map(
        &mut self,
        Slot {
            slot,
            file_offset,
            span,
            pages,
        }: &Slot,
    ) -> Result<u64, String> {
        let pages_of_span = usize::try_from(*span).map_err(|e| e.to_string())?;
        let region = Guarded::shared(&self.arena, *file_offset, pages_of_span, pages.as_deref())
            .map_err(|e| format!("cannot map {span} pages for slot {slot}: {e}"))?;
        let address = region.start() as u64;
        self.slots.insert(*slot, region);
        Ok(address)
    }

    fn kernel(&self, index: usize) -> Result<TwKernel, String> {
        let count = self.library.kernels.len();
        self.library
            .kernels
            .get(index)
            .map(|kernel| kernel.row)
            .ok_or_else(|| format!("no kernel {index} of {count}"))
    }

    /// Lays out the args and, behind them, scratch as the kernel asks for it, flush to its guard; `left` where it
    /// is to be had and like that.
    fn prepare(
        &self,
        kernel: &TwKernel,
        call: &Call,
        manner: &Manner,
        left: Option<Scratch>,
    ) -> Result<Prepared<'_>, String> {
        let base = |slot| self.slot(slot).map(Guarded::start);
        let mut args = Args::new(call, manner.wording, base)?;
        let run = kernel.run.ok_or("the kernel has no run function")?;
        let Some(scratch_size) = kernel.scratch_size else {
            return Ok(Prepared::new(run, args, None));
        };
        // SAFETY: the table's own function on the args that it is meant for.
        let ask = |pointer| unsafe { scratch_size(pointer) };
        let bytes = match manner.wording {
            Wording::SizedEarly => args.unfilled(ask).map_err(|e| e.to_string())?,
            _ => ask(args.pointer()),
        };
        if bytes > MOST_SCRATCH {
            return Err(format!("scratch_size asks for {bytes} bytes"));
        }
        let (declared, edge) = (bytes as usize, manner.scratch_edge);
        let left = left.filter(|left| manner.scratch_handed_on && left.is_like(declared, edge));
        let is_left = left.is_some();
        let scratch = match left {
            Some(scratch) => scratch,
            None => Scratch::new(declared, edge)
                .map_err(|e| format!("no memory for {bytes} bytes of scratch: {e}"))?,
        };
        let head = args.head();
        head.scratch = scratch.start().cast();
        head.scratch_bytes = bytes.wrapping_add_signed(call.lie.scratch_bytes);
        Ok(Prepared::new(run, args, Some(scratch)).finding_scratch(is_left))
    }

    fn slot(&self, slot: u32) -> Result<&Guarded, String> {
        self.slots
            .get(&slot)
            .ok_or_else(|| format!("no slot {slot}"))
    }

    fn copy(&self, from: u32, to: u32) -> Result<(), String> {
        let (source, target) = (self.slot(from)?, self.slot(to)?);
        if source.length() != target.length() {
            return Err(format!("slots {from} and {to} differ in size"));
        }
        // SAFETY: two mapped slots of one size.
        unsafe { target.start().copy_from(source.start(), source.length()) };
        Ok(())
    }

    fn run(&self, run: &Run) -> Result<RunResult, String> {
        for copy in &run.manner.copies {
            self.copy(copy.from, copy.to)?;
        }
        let prepare = |run: &Run, left| {
            let kernel = self.kernel(run.kernel)?;
            let prepared = self.prepare(&kernel, &run.call, &run.manner, left)?;
            let slots = run.call.tensors.values().filter_map(|tensor| {
                let slot = tensor.slot?;
                Some(self.slot(slot).map(|pages| (slot, pages, tensor.dtype)))
            });
            prepared.on(slots.collect::<Result<_, _>>()?)
        };
        let prepared = prepare(run, self.left.take())?;
        let beside = run.manner.beside.as_deref();
        let beside = beside.map(|run| prepare(run, None)).transpose()?;
        let executed = || self.library.executed();
        let (result, scratch) = prepared.carry_out(&run.manner, beside, executed)?;
        *self.left.borrow_mut() = scratch;
        Ok(result)
    }

    fn time(&self, contender: &Contender, call: &Call, clock: Clock) -> Result<Response, String> {
        let nanoseconds = match contender {
            Contender::Kernel(index) => {
                let mut prepared =
                    self.prepare(&self.kernel(*index)?, call, &Manner::default(), None)?;
                prepared.fill(Fill::Nan);
                let (run, pointer) = (prepared.run, prepared.args.pointer());
                let mut refusal = 0;
                let nanoseconds = clock.time(|| {
                    // SAFETY: the table's own function on args that outlive the call.
                    let status = unsafe { run(black_box(pointer)) };
                    if status != 0 {
                        refusal = status;
                    }
                });
                if refusal != 0 {
                    let answer = match refusal {
                        TW_UNSUPPORTED => "unsupported".to_owned(),
                        TW_INVALID => "invalid".to_owned(),
                        other => format!("status {other}"),
                    };
                    return Err(format!("the kernel answers {answer} to the timed call"));
                }
                nanoseconds
            }
            Contender::Memcpy { from, to } => {
                let (source, length) = self.bytes_of(call, from)?;
                let (target, room) = self.bytes_of(call, to)?;
                if length != room || source.addr().abs_diff(target.addr()) < length {
                    return Err(format!(
                        "memcpy takes two tensors of one size that do not overlap, not {from} and {to}"
                    ));
                }
                // SAFETY: both ranges are mapped slots of `length` bytes, and they do not overlap.
                clock.time(|| unsafe {
                    libc::memcpy(
                        black_box(target).cast(),
                        black_box(source).cast_const().cast(),
                        black_box(length),
                    )
                })
            }
            Contender::Read(roles) => {
                let bytes = |role: &String| -> Result<&[u8], String> {
                    let (start, length) = self.bytes_of(call, role)?;
                    // SAFETY: the range lies inside a mapped slot, and nobody writes while it is read.
                    Ok(unsafe { std::slice::from_raw_parts(start.cast_const(), length) })
                };
                let inputs = roles.iter().map(bytes).collect::<Result<Vec<_>, _>>()?;
                clock.time(|| {
                    let read = |bytes: &&[u8]| roof::read(black_box(bytes));
                    inputs.iter().map(read).fold(0, |sum, own| sum ^ own)
                })
            }
            Contender::MultiplyAdd(tier) => {
                let work = roof::multiply_add(*tier)
                    .ok_or_else(|| format!("this CPU has no {tier:?} arithmetic"))?;
                clock.time(work)
            }
        };
        Ok(Response::Timed { nanoseconds })
    }

    /// Where the bytes of a tensor without gaps lie, and how many there are.
    fn bytes_of(&self, call: &Call, role: &str) -> Result<(*mut u8, usize), String> {
        let tensor = call
            .tensors
            .get(role)
            .ok_or_else(|| format!("the call has no {role}"))?;
        let slot = tensor.slot.ok_or_else(|| format!("{role} is NULL"))?;
        let region = self.slot(slot)?;
        let offset = tensor.offset as usize;
        let length = dense_bytes(tensor)
            .filter(|length| offset + length <= region.length())
            .ok_or_else(|| {
                let Tensor { shape, strides, .. } = tensor;
                format!(
                    "{role}, {shape:?} with strides {strides:?}, is no stretch of bytes in its slot"
                )
            })?;
        Ok((region.start().wrapping_add(offset), length))
    }
}

/// What a kernel says of itself.
fn available(kernel: &TwKernel) -> bool {
    // SAFETY: the table's own function, of the interface's type.
    kernel
        .available
        .is_some_and(|available| unsafe { available() } != 0)
}

impl crate::request::Dtype {
    /// Bytes of one element.
    pub fn bytes(self) -> usize {
        match self {
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::Bf16 => 2,
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a message")
}
