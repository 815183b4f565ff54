//! How much time a process had. A machine that does much else lets a process wait for a processor, and what is
//! late for that is not hung: time counts while the process runs or sleeps, not while it queues.

use std::fs;
use std::mem::MaybeUninit;
use std::time::{Duration, Instant};

/// Times the patience in which a process that gets hardly any of a processor must answer all the same.
const MOST: u32 = 10;

/// Measures the time that one process had, in windows.
#[derive(Debug)]
pub struct Patience {
    process: u32,
    /// How much it may have.
    all: Duration,
    begun: Instant,
    had: Duration,
    /// Nothing until the first window is over: most requests are answered in it, and cost no look.
    last: Option<Look>,
}

/// What the system says of a process at some moment.
#[derive(Clone, Copy, Debug)]
struct Look {
    at: Instant,
    /// What all its threads ran, those that ended included.
    ran: Duration,
    /// A thread runs, or would if it were let.
    runnable: bool,
}

impl Patience {
    /// Begins now.
    pub fn with(process: u32, all: Duration) -> Self {
        Self {
            process,
            all,
            begun: Instant::now(),
            had: Duration::ZERO,
            last: None,
        }
    }

    /// How long to wait before [`Self::is_over`] is asked again.
    pub fn window(&self) -> Duration {
        self.all / 8
    }

    /// Asked after each window: whether the process has had its time.
    pub fn is_over(&mut self) -> bool {
        let look = Look::at_process(self.process);
        self.had += match &self.last {
            None => self.window().min(look.at - self.begun),
            Some(last) => had_between(last, &look),
        };
        self.last = Some(look);
        self.had >= self.all || self.begun.elapsed() >= self.all * MOST
    }
}

/// The time between two looks in which a process ran, or had nothing to run. Threads that run side by side run
/// for longer than the clock does: it is no more than the clock's.
fn had_between(earlier: &Look, later: &Look) -> Duration {
    let passed = later.at - earlier.at;
    if later.runnable {
        later.ran.saturating_sub(earlier.ran).min(passed)
    } else {
        passed
    }
}

impl Look {
    fn at_process(process: u32) -> Self {
        Self {
            at: Instant::now(),
            ran: ran(process),
            runnable: is_runnable(process),
        }
    }
}

/// Processor time of a process; none where it is gone.
fn ran(process: u32) -> Duration {
    let mut clock = 0;
    let mut time = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: both write to where they are told, if they return 0, and a clock's id may be any number.
    let time = unsafe {
        if libc::clock_getcpuclockid(process.cast_signed(), &raw mut clock) != 0
            || libc::clock_gettime(clock, time.as_mut_ptr()) != 0
        {
            return Duration::ZERO;
        }
        time.assume_init()
    };
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

/// Whether a thread of a process is in state `R` of the proc file system: in `stat`, the first word behind the
/// program's name, which may hold anything but ends with the last parenthesis. Not where the system doesn't say:
/// then all time counts. (How long it queued is told as well, but only once it runs again.)
fn is_runnable(process: u32) -> bool {
    let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else {
        return false;
    };
    threads.flatten().any(|thread| {
        let said = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        said.rsplit_once(") ")
            .is_some_and(|(_, rest)| rest.starts_with('R'))
    })
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;

    /// Ends with the test.
    struct Shell(Child);

    impl Shell {
        /// Runs a command of a shell on the first processor alone.
        fn runs(command: &str) -> Self {
            let child = Command::new("taskset")
                .args(["-c", "0", "sh", "-c", command])
                .stdin(Stdio::null())
                .spawn()
                .expect("a shell starts");
            Self(child)
        }
    }

    impl Drop for Shell {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    /// How much of eight windows of 50 ms a process had.
    fn share_of(shell: &Shell) -> f64 {
        // Until the shell is what the command says, and as nice as it says.
        std::thread::sleep(Duration::from_millis(200));
        let mut patience = Patience::with(shell.0.id(), Duration::from_secs(3600));
        patience.is_over();
        for _ in 0..8 {
            std::thread::sleep(Duration::from_millis(50));
            assert!(!patience.is_over());
        }
        patience.had.as_secs_f64() / patience.begun.elapsed().as_secs_f64()
    }

    #[test]
    fn who_queues_has_little_time() {
        let _busy: Vec<_> = (0..3).map(|_| Shell::runs("while :; do :; done")).collect();
        let starved = Shell::runs("renice -n 19 $$ > /dev/null; while :; do :; done");
        let share = share_of(&starved);
        assert!(share < 0.5, "{share}");
    }

    #[test]
    fn who_sleeps_has_all_of_it() {
        let share = share_of(&Shell::runs("exec sleep 600"));
        assert!(share > 0.9, "{share}");
    }

    #[test]
    fn it_is_over_when_all_is_had_and_not_before() {
        let asleep = Shell::runs("exec sleep 600");
        let all = Duration::from_millis(400);
        let mut patience = Patience::with(asleep.0.id(), all);
        std::thread::sleep(patience.window());
        assert!(!patience.is_over());
        std::thread::sleep(all);
        assert!(patience.is_over());
    }

    #[test]
    fn threads_side_by_side_have_no_more_than_the_clock() {
        let at = Instant::now();
        let second = Duration::from_secs(1);
        let look = |seconds: u32, ran: u32, runnable| Look {
            at: at + second * seconds,
            ran: second * ran,
            runnable,
        };
        let had = |later: &Look| had_between(&look(0, 5, true), later).as_secs();
        // Two ran; one ran and queued; one queued; nobody had anything to run.
        assert_eq!(had(&look(4, 13, true)), 4);
        assert_eq!(had(&look(4, 7, true)), 2);
        assert_eq!(had(&look(4, 5, true)), 0);
        assert_eq!(had(&look(4, 5, false)), 4);
    }
}
