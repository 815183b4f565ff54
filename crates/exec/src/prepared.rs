//! A call that is ready to be made: once or many times, alone or beside another one, undisturbed or not.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use tierwise_abi::c::TwStatus;

use crate::args::Args;
use crate::entry::{RunFn, Stack, enter};
use crate::environment::{surrounded, watched};
use crate::jitter::{Interrupted, Restless};
use crate::memory::Guarded;
use crate::request::{Dtype, Fill, Manner, RunResult};
use crate::scratch::Scratch;
use crate::snapshot::{Area, Snapshot};

/// A kernel's function with all that it takes.
pub struct Prepared<'a> {
    /// The function.
    pub run: RunFn,
    /// What it is given.
    pub args: Args,
    scratch: Option<Scratch>,
    /// Whether the first call finds scratch as it is.
    finds_scratch: bool,
    areas: Vec<Area<'a>>,
}

// SAFETY: the pointers inside point to memory that the value owns or borrows; one thread uses it at a time.
unsafe impl Send for Prepared<'_> {}

/// What several times of one call came to.
struct Times {
    status: TwStatus,
    disturbed: Vec<String>,
    differed: Option<u32>,
}

impl<'a> Prepared<'a> {
    /// Args in place, scratch not filled yet.
    pub fn new(run: RunFn, args: Args, scratch: Option<Scratch>) -> Self {
        Self {
            run,
            args,
            scratch,
            finds_scratch: false,
            areas: Vec::new(),
        }
    }

    /// The same, with scratch that is not filled before the first call.
    pub fn finding_scratch(self, as_it_is: bool) -> Self {
        Self {
            finds_scratch: as_it_is,
            ..self
        }
    }

    /// The same on these slots, by number: what is compared when the call is repeated.
    pub fn on(self, slots: Vec<(u32, &'a Guarded, Dtype)>) -> Result<Self, String> {
        let distinct: BTreeMap<_, _> = slots
            .into_iter()
            .map(|(slot, pages, dtype)| (slot, Area::new(pages, dtype)))
            .collect();
        Ok(Self {
            areas: distinct.into_values().collect(),
            ..self
        })
    }

    /// Fills scratch.
    pub fn fill(&mut self, fill: Fill) {
        if let Some(scratch) = &mut self.scratch {
            scratch.fill(fill);
        }
    }

    /// Makes the call as it is to be made. With what came of it comes the scratch, as it was left.
    pub fn carry_out(
        mut self,
        manner: &Manner,
        beside: Option<Self>,
        executed: impl Fn() -> Option<String>,
    ) -> Result<(RunResult, Option<Scratch>), String> {
        let stack = manner.little_stack.then(Stack::little).transpose();
        let stack = stack.map_err(|e| format!("no memory for a stack: {e}"))?;
        let Some(mut other) = beside else {
            let restless = manner.jitter.map(Restless::new);
            let times = self.several(manner, stack.as_ref(), |time| {
                if let Some(restless) = &restless {
                    restless.stir(time);
                }
            });
            drop(restless);
            return Ok((self.result(times, executed(), None), self.scratch));
        };
        // Neither begins before the other is there, and they meet again before each call.
        let ready = [AtomicU32::new(0), AtomicU32::new(0)];
        let meet = |own: usize, time: u32| {
            ready[own].store(time + 1, Ordering::Release);
            while ready[1 - own].load(Ordering::Acquire) <= time {
                thread::yield_now();
            }
        };
        let leave = |own: usize| ready[own].store(u32::MAX, Ordering::Release);
        let (times, other) = thread::scope(|scope| {
            let companion = scope.spawn(|| {
                let times = other.several(manner, None, |time| meet(1, time));
                leave(1);
                other.result(times, None, None)
            });
            let interrupted = Interrupted::new();
            let times = self.several(manner, stack.as_ref(), |time| {
                meet(0, time);
                // Side by side in half of the calls, one in the middle of the other in the rest.
                if let Some(interrupted) = &interrupted
                    && time % 2 == 1
                {
                    interrupted.renew();
                }
            });
            drop(interrupted);
            leave(0);
            (times, companion.join())
        });
        let other = other.map_err(|_| "the call on the other thread panicked")?;
        let result = self.result(times, executed(), Some(Box::new(other)));
        Ok((result, self.scratch))
    }

    /// Calls as often as is asked, the surroundings watched.
    fn several(
        &mut self,
        manner: &Manner,
        stack: Option<&Stack>,
        before_each: impl FnMut(u32),
    ) -> Times {
        let (mut times, disturbed) = surrounded(|| self.again(manner, stack, before_each));
        times.disturbed.extend(disturbed);
        times
    }

    /// Calls again and again, until a call leaves something else than the first.
    fn again(
        &mut self,
        manner: &Manner,
        stack: Option<&Stack>,
        mut before_each: impl FnMut(u32),
    ) -> Times {
        let repeated = manner.again > 0;
        let before = repeated.then(|| Snapshot::of(&self.areas));
        if !self.finds_scratch {
            self.fill(manner.fill);
        }
        before_each(0);
        let (status, mut disturbed) = self.once(manner.fill, stack);
        let mut differed = None;
        if let Some(before) = before {
            let after = Snapshot::of(&self.areas);
            for time in 1..=manner.again {
                before.restore(&self.areas);
                if !manner.scratch_stays {
                    self.fill(manner.fill);
                }
                before_each(time);
                let (now, changed) = self.once(manner.fill, stack);
                for what in changed {
                    if !disturbed.contains(&what) {
                        disturbed.push(what);
                    }
                }
                if now != status || !after.holds(&self.areas) {
                    differed = Some(time);
                    break;
                }
            }
        }
        Times {
            status,
            disturbed,
            differed,
        }
    }

    fn once(&self, fill: Fill, stack: Option<&Stack>) -> (TwStatus, Vec<String>) {
        let pointer = self.args.pointer();
        // SAFETY: the table's own function on args that outlive the call; what it breaks is what is examined.
        let ((status, mut changed), disturbed) =
            watched(|| unsafe { enter(self.run, pointer, fill, stack) });
        changed.extend(disturbed);
        (status, changed)
    }

    fn result(
        &self,
        times: Times,
        executed: Option<String>,
        beside: Option<Box<RunResult>>,
    ) -> RunResult {
        let scratch = self.scratch.as_ref();
        RunResult::Returned {
            status: times.status,
            executed,
            disturbed: times.disturbed,
            scratch_bytes: scratch.map_or(0, |scratch| scratch.declared() as u64),
            scratch_overrun: scratch.is_some_and(Scratch::overrun),
            differed: times.differed,
            beside,
        }
    }
}
