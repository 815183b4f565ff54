//! Threads that stay: started when they are first needed, asleep between calls.

use std::collections::VecDeque;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, Builder};

/// Threads beside those that call: one a core, less the caller's own.
pub struct Pool {
    state: Mutex<State>,
    /// Work was posted.
    posted: Condvar,
    /// A thread left a job.
    left: Condvar,
    /// Stack of a thread in bytes; 0: as the standard library has it.
    stack: usize,
}

struct State {
    /// Posted and not yet withdrawn, in the order of posting.
    jobs: VecDeque<Handle>,
    /// Threads that run.
    started: usize,
}

/// Work of one call, on the caller's stack for as long as it is posted or a thread is at it.
struct Job<'a> {
    work: &'a (dyn Fn(usize) + Sync),
    parts: usize,
    /// The part that is taken next; beyond `parts` when none is left.
    next: AtomicUsize,
    /// Threads of the pool that are at it; changed under the pool's lock alone.
    helpers: AtomicUsize,
}

/// A posted job.
#[derive(Clone, Copy, PartialEq)]
struct Handle(NonNull<Job<'static>>);

// SAFETY: a job is shared through atomics and a `Sync` function.
unsafe impl Send for Handle {}

impl Job<'_> {
    /// Does parts until none is left.
    fn help(&self) {
        loop {
            let part = self.next.fetch_add(1, Ordering::Relaxed);
            if part >= self.parts {
                return;
            }
            (self.work)(part);
        }
    }
}

impl Pool {
    /// A pool without threads yet.
    pub const fn new() -> Self {
        Self::of_stacks(0)
    }

    /// As [`new`](Self::new), with stacks of so many bytes.
    pub const fn of_stacks(stack: usize) -> Self {
        Self {
            state: Mutex::new(State {
                jobs: VecDeque::new(),
                started: 0,
            }),
            posted: Condvar::new(),
            left: Condvar::new(),
            stack,
        }
    }

    /// Calls `work` once for each part, `0..parts`: part 0 on this thread, the others on whichever is free.
    /// Returns when all are done. Needs no thread of the pool: what none takes, this one does.
    pub fn run(&'static self, parts: usize, work: &(dyn Fn(usize) + Sync)) {
        let job = Job {
            work,
            parts,
            next: AtomicUsize::new(1),
            helpers: AtomicUsize::new(0),
        };
        let posted = self.post(&job);
        work(0);
        job.help();
        drop(posted);
    }

    fn post<'a>(&'static self, job: &'a Job<'a>) -> Posted<'a> {
        let handle = Handle(NonNull::from(job).cast());
        let mut state = self.lock();
        state.jobs.push_back(handle);
        let wanted = (job.parts - 1).min(others());
        while state.started < wanted && self.start() {
            state.started += 1;
        }
        drop(state);
        for _ in 0..wanted {
            self.posted.notify_one();
        }
        Posted {
            pool: self,
            job,
            handle,
        }
    }

    fn start(&'static self) -> bool {
        let builder = match self.stack {
            0 => Builder::new(),
            bytes => Builder::new().stack_size(bytes),
        };
        let name = "tierwise-kernels".to_owned();
        builder.name(name).spawn(|| self.serve()).is_ok()
    }

    /// What a thread of the pool does, for ever.
    fn serve(&self) {
        let mut state = self.lock();
        loop {
            let Some(&handle) = state.jobs.front() else {
                state = self
                    .posted
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            // SAFETY: the job is posted, and its caller keeps it until it is withdrawn and nobody is at it,
            // both under the lock that is held here.
            let job = unsafe { handle.0.as_ref() };
            job.helpers.fetch_add(1, Ordering::Relaxed);
            drop(state);
            let fatal = AbortOnPanic;
            job.help();
            std::mem::forget(fatal);
            state = self.lock();
            // Nothing is left to take, so nobody else need come.
            state.jobs.retain(|other| *other != handle);
            job.helpers.fetch_sub(1, Ordering::Relaxed);
            self.left.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A job that threads may be at. Dropped: none is, and none will be.
struct Posted<'a> {
    pool: &'a Pool,
    job: &'a Job<'a>,
    handle: Handle,
}

impl Drop for Posted<'_> {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        state.jobs.retain(|other| *other != self.handle);
        while self.job.helpers.load(Ordering::Relaxed) > 0 {
            state = self
                .pool
                .left
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// A part that panics on a thread of the pool can't be reported to the caller, who waits for it.
struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        std::process::abort();
    }
}

/// Cores beside the caller's.
fn others() -> usize {
    static OTHERS: OnceLock<usize> = OnceLock::new();
    *OTHERS.get_or_init(|| thread::available_parallelism().map_or(0, |cores| cores.get() - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    static POOL: Pool = Pool::new();

    #[test]
    fn many_callers_at_once_each_get_their_own_parts_done() {
        thread::scope(|scope| {
            for caller in 0..8 {
                scope.spawn(move || {
                    for round in 0..200 {
                        let parts = 2 + (caller + round) % 7;
                        let done: Vec<_> = (0..parts).map(|_| AtomicUsize::new(0)).collect();
                        POOL.run(parts, &|part| {
                            done[part].fetch_add(1, Ordering::Relaxed);
                        });
                        assert!(done.iter().all(|count| count.load(Ordering::Relaxed) == 1));
                    }
                });
            }
        });
    }

    #[test]
    fn a_part_may_divide_again() {
        let done = AtomicUsize::new(0);
        POOL.run(5, &|_| {
            POOL.run(3, &|_| {
                done.fetch_add(1, Ordering::Relaxed);
            });
        });
        assert_eq!(done.into_inner(), 15);
    }

    #[test]
    fn a_caller_that_panics_leaves_nobody_at_its_job() {
        for _ in 0..50 {
            let at = AtomicUsize::new(0);
            let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                POOL.run(4, &|part| {
                    assert!(part > 0, "part 0 is the caller's");
                    at.fetch_add(1, Ordering::Relaxed);
                    thread::yield_now();
                    at.fetch_sub(1, Ordering::Relaxed);
                });
            }));
            assert!(caught.is_err());
            assert_eq!(at.load(Ordering::Relaxed), 0);
        }
    }

    #[test]
    fn threads_are_kept_and_no_more_than_cores() {
        for _ in 0..100 {
            POOL.run(64, &|_| ());
        }
        assert!(POOL.lock().started <= others());
    }
}
