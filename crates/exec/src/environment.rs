//! The thread's floating-point state around a call: what a kernel must leave as it was.

#[cfg(target_arch = "x86_64")]
mod state {
    use std::arch::asm;

    /// Control bits of MXCSR: DAZ, masks, rounding, FTZ; the six flags below them are sticky and free.
    const MXCSR_CONTROL: u32 = 0xffc0;
    /// The direction flag.
    const DF: u64 = 1 << 10;

    /// What is compared: MXCSR's control bits, the x87 control word, the direction flag.
    #[derive(Clone, Copy)]
    pub struct State {
        mxcsr: u32,
        x87: u16,
        flags: u64,
    }

    impl State {
        pub fn now() -> Self {
            let (mut mxcsr, mut x87, flags): (u32, u16, u64) = (0, 0, 0);
            let mut state = Self { mxcsr, x87, flags };
            // SAFETY: stores two control words into locals and pops the flags that it pushed.
            unsafe {
                asm!(
                    "stmxcsr [{mxcsr}]",
                    "fnstcw [{x87}]",
                    "pushfq",
                    "pop {flags}",
                    mxcsr = in(reg) &raw mut mxcsr,
                    x87 = in(reg) &raw mut x87,
                    flags = out(reg) state.flags,
                );
            }
            state.mxcsr = mxcsr;
            state.x87 = x87;
            state
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
            if (now.flags ^ before.flags) & DF != 0 {
                disturbed.push("direction flag set".to_owned());
            }
            // SAFETY: loads the control words that stood there before.
            unsafe {
                asm!(
                    "cld",
                    "ldmxcsr [{mxcsr}]",
                    "fldcw [{x87}]",
                    mxcsr = in(reg) &raw const before.mxcsr,
                    x87 = in(reg) &raw const before.x87,
                );
            }
            disturbed
        }
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

/// Runs `body`; returns its result and the names of what it did not put back.
pub fn watched<T>(body: impl FnOnce() -> T) -> (T, Vec<String>) {
    let before = state::State::now();
    let result = body();
    (result, state::State::restore(before))
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::watched;
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
    fn a_direction_flag_left_set_is_named() {
        // SAFETY: `watched` clears the flag before any string instruction can run.
        let (_, disturbed) = watched(|| unsafe { asm!("std") });
        assert_eq!(disturbed, ["direction flag set"]);
    }
}
