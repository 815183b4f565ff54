//! An environment without rest: threads come late, signals arrive, processors go away. Nothing of it may change
//! what a call gives; it brings out what only some orders of events break.

use std::cell::Cell;
use std::hint::black_box;
use std::mem::{size_of, zeroed};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Seed of the delays of threads that are started now; 0: none is delayed.
static SEED: AtomicU32 = AtomicU32::new(0);
/// Threads started since.
static STARTED: AtomicU32 = AtomicU32::new(0);

/// A signal that nobody uses and that does nothing where it is not handled.
const SIGNAL: i32 = libc::SIGURG;
/// From one signal's end to the next, in nanoseconds: at most so many.
const PAUSE: u32 = 8_000;
/// How long a signal holds its thread up: in the middle of what it does, while others go on.
const HELD_UP: Duration = Duration::from_micros(25);
/// How often a thread is held up in a call.
const AT_MOST: u32 = 3;
/// Threads come late by one of so many steps: those of one step begin together.
const STEPS: u32 = 4;
const STEP: Duration = Duration::from_micros(50);

/// How late a thread that is started now comes; `None`: it is left alone.
pub fn delay() -> Option<Duration> {
    let seed = SEED.load(Ordering::Acquire);
    (seed != 0).then(|| {
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        STEP * (mixed(seed, number) % STEPS)
    })
}

/// Lets others run for so long.
pub fn wait(delay: Duration) {
    let start = Instant::now();
    while start.elapsed() < delay {
        thread::yield_now();
    }
}

/// murmur3's finaliser over both.
fn mixed(seed: u32, number: u32) -> u32 {
    let mut word = seed ^ number.wrapping_mul(0x9e37_79b9);
    word = (word ^ (word >> 16)).wrapping_mul(0x85eb_ca6b);
    word = (word ^ (word >> 13)).wrapping_mul(0xc2b2_ae35);
    word ^ (word >> 16)
}

thread_local! {
    /// The timer that holds this thread up; NULL: none does.
    static TIMER: Cell<libc::timer_t> = const { Cell::new(null_mut()) };
    /// How often it did.
    static TIMES: Cell<u32> = const { Cell::new(0) };
    /// How often it still may: a thread gets on, whatever the machine does.
    static LEFT: Cell<u32> = const { Cell::new(0) };
}

/// Holds the calling thread up again and again, as long as this lives. One at a time for each thread.
pub struct Interrupted(libc::timer_t);

impl Interrupted {
    /// Begins; `None` where the system has no timer to give.
    pub fn new() -> Option<Self> {
        install();
        // SAFETY: a timer that signals this very thread, kept by this value.
        unsafe {
            let mut event: libc::sigevent = zeroed();
            event.sigev_notify = libc::SIGEV_THREAD_ID;
            event.sigev_signo = SIGNAL;
            event.sigev_notify_thread_id = libc::gettid();
            let mut timer = null_mut();
            if libc::timer_create(libc::CLOCK_MONOTONIC, &raw mut event, &raw mut timer) != 0 {
                return None;
            }
            TIMER.set(timer);
            let interrupted = Self(timer);
            interrupted.renew();
            Some(interrupted)
        }
    }

    /// Holds the thread up a few times more; called on that thread.
    pub fn renew(&self) {
        LEFT.set(AT_MOST);
        set_off(self.0);
    }
}

impl Drop for Interrupted {
    fn drop(&mut self) {
        TIMER.set(null_mut());
        // SAFETY: the value's own timer.
        unsafe { libc::timer_delete(self.0) };
    }
}

/// One signal, after a pause.
fn set_off(timer: libc::timer_t) {
    // SAFETY: all zeros are no time.
    let mut once: libc::itimerspec = unsafe { zeroed() };
    TIMES.set(TIMES.get().wrapping_add(1));
    once.it_value.tv_nsec =
        i64::from(1 + mixed(STARTED.load(Ordering::Relaxed), TIMES.get()) % PAUSE);
    // SAFETY: a timer that lives, or one that is gone, which is refused.
    unsafe { libc::timer_settime(timer, 0, &raw const once, null_mut()) };
}

/// The handler stays: a signal may be on its way when its timer ends.
fn install() {
    // SAFETY: a zeroed sigaction with a handler that calls nothing but the clock and the scheduler.
    unsafe {
        let mut action: libc::sigaction = zeroed();
        action.sa_sigaction = hold_up as *const () as usize;
        // Not on the alternate stack: what lies below a kernel's stack pointer and its red zone is anyone's.
        action.sa_flags = libc::SA_RESTART;
        libc::sigaction(SIGNAL, &raw const action, null_mut());
    }
}

extern "C" fn hold_up(_signal: i32) {
    black_box(&mut [0xffu8; 1024]);
    wait(HELD_UP);
    let (timer, left) = (TIMER.get(), LEFT.get());
    if !timer.is_null() && left > 0 {
        LEFT.set(left - 1);
        set_off(timer);
    }
}

/// The environment is restless as long as this lives.
pub struct Restless {
    interrupted: Option<Interrupted>,
    processors: libc::cpu_set_t,
}

impl Restless {
    /// Begins, for calls of this thread.
    pub fn new(seed: u32) -> Self {
        // SAFETY: asks for the calling thread's own processors.
        let processors = unsafe {
            let mut processors = zeroed();
            libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut processors);
            processors
        };
        STARTED.store(0, Ordering::Relaxed);
        SEED.store(seed.max(1), Ordering::Release);
        Self {
            interrupted: Interrupted::new(),
            processors,
        }
    }

    /// Before a call: every other one has one processor.
    pub fn stir(&self, time: u32) {
        let mut chosen = self.processors;
        if time % 2 == 1 {
            // SAFETY: sets of the size that the interface has; the numbers are below it.
            unsafe {
                let own = (0..libc::CPU_SETSIZE as usize)
                    .filter(|cpu| libc::CPU_ISSET(*cpu, &self.processors));
                let own: Vec<usize> = own.collect();
                libc::CPU_ZERO(&mut chosen);
                libc::CPU_SET(own[time as usize / 2 % own.len()], &mut chosen);
            }
        }
        set_processors(&chosen);
        if let Some(interrupted) = &self.interrupted {
            interrupted.renew();
        }
    }
}

impl Drop for Restless {
    fn drop(&mut self) {
        SEED.store(0, Ordering::Release);
        set_processors(&self.processors);
    }
}

fn set_processors(chosen: &libc::cpu_set_t) {
    // SAFETY: narrows or restores what this thread may run on.
    unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), chosen) };
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;

    use super::{Interrupted, LEFT, Restless, delay};

    #[test]
    fn threads_come_late_and_this_one_is_held_up_only_while_it_lasts() {
        assert_eq!(delay(), None);
        let restless = Restless::new(5);
        let delays: Vec<_> = (0..32).map(|_| delay().unwrap()).collect();
        assert!(delays.iter().any(|delay| *delay != delays[0]), "{delays:?}");
        (0..4).for_each(|time| restless.stir(time));
        drop(restless);
        assert_eq!(delay(), None);

        // Signals come when the machine gets to it: at once, or after a while.
        let interrupted = Interrupted::new().unwrap();
        let patience = (0..100_000u64).take_while(|_| LEFT.get() > 0);
        patience.for_each(|turn| _ = (0..10_000).fold(turn, |a, b| black_box(a ^ b)));
        drop(interrupted);
        assert_eq!(LEFT.get(), 0, "held up as often as it may be");
    }
}
