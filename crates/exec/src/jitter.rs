//! An environment without rest: threads come late, signals arrive, processors go away. Nothing of it may change
//! what a call gives; it brings out what only some orders of events break.

use std::hint::black_box;
use std::mem::{size_of, zeroed};
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Seed of the delays of threads that are started now; 0: none is delayed.
static SEED: AtomicU32 = AtomicU32::new(0);
/// Threads started since.
static STARTED: AtomicU32 = AtomicU32::new(0);

/// A signal that nobody uses and that does nothing where it is not handled.
const SIGNAL: i32 = libc::SIGURG;
/// Between two signals.
const PAUSE: Duration = Duration::from_micros(40);
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

/// The environment is restless as long as this lives.
pub struct Restless {
    stop: Arc<AtomicBool>,
    noise: Option<JoinHandle<()>>,
    processors: libc::cpu_set_t,
}

impl Restless {
    /// Begins, for calls of this thread.
    pub fn new(seed: u32) -> Self {
        install();
        let stop = Arc::new(AtomicBool::new(false));
        // SAFETY: asks for the calling thread's own identity and processors.
        let (thread, processors) = unsafe {
            let mut processors = zeroed();
            libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut processors);
            (libc::pthread_self(), processors)
        };
        let told = Arc::clone(&stop);
        let noise = thread::spawn(move || {
            while !told.load(Ordering::Acquire) {
                // SAFETY: the thread lives: it joins this one before it goes on.
                unsafe { libc::pthread_kill(thread, SIGNAL) };
                wait(PAUSE);
            }
        });
        STARTED.store(0, Ordering::Relaxed);
        SEED.store(seed.max(1), Ordering::Release);
        Self {
            stop,
            noise: Some(noise),
            processors,
        }
    }

    /// Before a call: every other one has one processor, which another thread wants as well.
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
    }
}

impl Drop for Restless {
    fn drop(&mut self) {
        SEED.store(0, Ordering::Release);
        self.stop.store(true, Ordering::Release);
        if let Some(noise) = self.noise.take() {
            let _ = noise.join();
        }
        set_processors(&self.processors);
    }
}

fn set_processors(chosen: &libc::cpu_set_t) {
    // SAFETY: narrows or restores what this thread may run on.
    unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), chosen) };
}

/// The handler stays: a signal may be on its way when the noise ends.
fn install() {
    // SAFETY: a zeroed sigaction with a handler that touches its own stack alone.
    unsafe {
        let mut action: libc::sigaction = zeroed();
        action.sa_sigaction = scribble as *const () as usize;
        // Not on the alternate stack: what lies below a kernel's stack pointer and its red zone is anyone's.
        action.sa_flags = libc::SA_RESTART;
        libc::sigaction(SIGNAL, &raw const action, null_mut());
    }
}

extern "C" fn scribble(_signal: i32) {
    black_box(&mut [0xffu8; 1024]);
}

#[cfg(test)]
mod tests {
    use super::{Restless, delay};

    #[test]
    fn threads_come_late_only_while_it_lasts() {
        assert_eq!(delay(), None);
        let restless = Restless::new(5);
        let delays: Vec<_> = (0..32).map(|_| delay().unwrap()).collect();
        assert!(delays.iter().any(|delay| *delay != delays[0]), "{delays:?}");
        (0..4).for_each(|time| restless.stir(time));
        drop(restless);
        assert_eq!(delay(), None);
        assert!(std::thread::available_parallelism().unwrap().get() >= 1);
    }
}
