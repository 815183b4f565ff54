//! The thread's and the process's state around a call: what a kernel must leave as it was.

use std::ffi::{CStr, CString};
use std::mem::zeroed;
use std::path::PathBuf;
use std::ptr::{null, null_mut};

#[cfg(target_arch = "x86_64")]
mod state {
    use std::arch::asm;

    /// Control bits of MXCSR: DAZ, masks, rounding, FTZ; the six flags below them are sticky and free.
    const MXCSR_CONTROL: u32 = 0xffc0;

    /// What is compared: MXCSR's control bits, the x87 control word.
    #[derive(Clone, Copy)]
    pub struct State {
        mxcsr: u32,
        x87: u16,
    }

    impl State {
        pub fn now() -> Self {
            let (mut mxcsr, mut x87): (u32, u16) = (0, 0);
            // SAFETY: stores two control words into locals.
            unsafe {
                asm!(
                    "stmxcsr [{mxcsr}]",
                    "fnstcw [{x87}]",
                    mxcsr = in(reg) &raw mut mxcsr,
                    x87 = in(reg) &raw mut x87,
                );
            }
            Self { mxcsr, x87 }
        }

        /// Names of what differs from `before`; puts it back.
        pub fn restore(before: Self) -> Vec<String> {
            let now = Self::now();
            let mut disturbed = Vec::new();
            if (now.mxcsr ^ before.mxcsr) & MXCSR_CONTROL != 0 {
                disturbed.push(format!(
                    "MXCSR {:#06x}, was {:#06x}",
                    now.mxcsr, before.mxcsr
                ));
            }
            if now.x87 != before.x87 {
                disturbed.push(format!(
                    "x87 control word {:#06x}, was {:#06x}",
                    now.x87, before.x87
                ));
            }
            if occupied_x87() {
                disturbed
                    .push("x87 registers in use (an MMX instruction without emms?)".to_owned());
            }
            // SAFETY: empties the x87 registers and loads the control words that stood there before.
            unsafe {
                asm!(
                    "fninit",
                    "ldmxcsr [{mxcsr}]",
                    "fldcw [{x87}]",
                    mxcsr = in(reg) &raw const before.mxcsr,
                    x87 = in(reg) &raw const before.x87,
                );
            }
            disturbed
        }
    }

    /// Whether a register of the x87 stack is not empty: arithmetic that pushes on it would give NaNs.
    fn occupied_x87() -> bool {
        let mut environment = [0u32; 7];
        // SAFETY: stores 28 bytes into a local of that size; what it changes, `restore` loads anew.
        unsafe { asm!("fnstenv [{p}]", p = in(reg) environment.as_mut_ptr()) };
        environment[2] & 0xffff != 0xffff
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod state {
    /// Nothing is compared on this architecture yet.
    #[derive(Clone, Copy)]
    pub struct State;

    impl State {
        pub fn now() -> Self {
            Self
        }

        pub fn restore(_before: Self) -> Vec<String> {
            Vec::new()
        }
    }
}

/// Runs `body`; returns its result and the names of what of the thread's registers it did not put back.
pub fn watched<T>(body: impl FnOnce() -> T) -> (T, Vec<String>) {
    let before = state::State::now();
    let result = body();
    (result, state::State::restore(before))
}

/// Runs `body`, some calls at once, since asking costs more than a small call; returns its result and the names of
/// what of the process and of the operating system's side of the thread it did not put back.
pub fn surrounded<T>(body: impl FnOnce() -> T) -> (T, Vec<String>) {
    let before = Surroundings::now();
    let result = body();
    (result, before.restore())
}

/// Signals that this process tells its end by.
const TOLD: [i32; 5] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGILL,
    libc::SIGFPE,
    libc::SIGABRT,
];

/// What belongs to the process or to the operating system's side of the thread.
struct Surroundings {
    mask: libc::sigset_t,
    handlers: [libc::sigaction; TOLD.len()],
    folder: Option<PathBuf>,
    locale: CString,
}

impl Surroundings {
    fn now() -> Self {
        // SAFETY: all of these only ask, and write to values of the type that they ask for.
        unsafe {
            let mut mask = zeroed();
            libc::pthread_sigmask(libc::SIG_SETMASK, null(), &raw mut mask);
            let handlers = TOLD.map(|signal| {
                let mut action = zeroed();
                libc::sigaction(signal, null(), &raw mut action);
                action
            });
            let locale = libc::setlocale(libc::LC_ALL, null());
            Self {
                mask,
                handlers,
                folder: std::env::current_dir().ok(),
                locale: if locale.is_null() {
                    CString::default()
                } else {
                    CStr::from_ptr(locale).to_owned()
                },
            }
        }
    }

    /// Names of what differs now; puts it back.
    fn restore(self) -> Vec<String> {
        let now = Self::now();
        let mut disturbed = Vec::new();
        // SAFETY: compares the sets and sets what stood there before.
        unsafe {
            let blocks = |set: &libc::sigset_t, signal| libc::sigismember(set, signal) == 1;
            if (1..=64).any(|signal| blocks(&now.mask, signal) != blocks(&self.mask, signal)) {
                disturbed.push("the mask of blocked signals".to_owned());
                libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.mask, null_mut());
            }
            for (i, signal) in TOLD.into_iter().enumerate() {
                if now.handlers[i].sa_sigaction != self.handlers[i].sa_sigaction {
                    disturbed.push(format!("the handler of signal {signal}"));
                    libc::sigaction(signal, &raw const self.handlers[i], null_mut());
                }
            }
            if now.locale != self.locale {
                let (now, before) = (now.locale.to_string_lossy(), self.locale.to_string_lossy());
                disturbed.push(format!("locale {now}, was {before}"));
                libc::setlocale(libc::LC_ALL, self.locale.as_ptr());
            }
        }
        if let Some(folder) = &self.folder
            && now.folder.as_ref() != Some(folder)
        {
            disturbed.push("the working directory".to_owned());
            let _ = std::env::set_current_dir(folder);
        }
        disturbed
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::{surrounded, watched};
    use std::arch::asm;

    #[test]
    fn a_quiet_body_disturbs_nothing() {
        assert!(watched(|| 1.5f32.sqrt()).1.is_empty());
    }

    #[test]
    fn flush_to_zero_left_on_is_named_and_put_back() {
        let set_ftz = || {
            let mut mxcsr = 0u32;
            // SAFETY: sets FTZ, which `watched` clears again.
            unsafe {
                asm!("stmxcsr [{p}]", "or dword ptr [{p}], 0x8000", "ldmxcsr [{p}]", p = in(reg) &raw mut mxcsr);
            }
        };
        let (_, disturbed) = watched(set_ftz);
        assert_eq!(disturbed.len(), 1, "{disturbed:?}");
        assert!(disturbed[0].starts_with("MXCSR"), "{disturbed:?}");
        assert!(watched(|| ()).1.is_empty());
        assert!(
            std::hint::black_box(f32::MIN_POSITIVE) / 2.0 > 0.0,
            "subnormals are kept again"
        );
    }

    #[test]
    fn an_x87_register_left_in_use_is_named_and_emptied() {
        // SAFETY: `watched` empties the x87 registers.
        let (_, disturbed) = watched(|| unsafe { asm!("fld1", options(nostack)) });
        assert_eq!(disturbed.len(), 1, "{disturbed:?}");
        assert!(disturbed[0].starts_with("x87 registers"), "{disturbed:?}");
        assert!(watched(|| ()).1.is_empty());
    }

    #[test]
    fn signals_handlers_and_folder_are_named_and_put_back() {
        let here = std::env::current_dir().unwrap();
        // SAFETY: `surrounded` puts the mask and the handler back.
        let (_, disturbed) = surrounded(|| unsafe {
            let mut set = std::mem::zeroed();
            libc::sigemptyset(&raw mut set);
            libc::sigaddset(&raw mut set, libc::SIGUSR2);
            libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
            libc::signal(libc::SIGFPE, libc::SIG_IGN);
            std::env::set_current_dir("/proc").unwrap();
        });
        assert_eq!(disturbed.len(), 3, "{disturbed:?}");
        assert_eq!(std::env::current_dir().unwrap(), here);
        assert!(surrounded(|| ()).1.is_empty());
    }
}
