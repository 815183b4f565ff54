//! What a kernel's code asks of a CPU, by its instructions: those that control can reach from `run` by direct
//! calls and jumps inside the shared object, and in functions whose address is taken on the way.
//!
//! What is reached through tables in memory alone (ifuncs, other objects, virtual functions) is not seen. A kernel that looks at
//! the CPU itself decides at run time where it goes; what it reaches says nothing of where it goes.

use std::collections::HashSet;

use serde::Serialize;
use tierwise_abi::c::TwKernel;

/// An instruction that not every x86-64 has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Need {
    /// Its name: `vaddps`.
    pub instruction: String,
    /// What it needs: `AVX`.
    pub needs: String,
    /// The function, where it has a name, or the bytes from `run`.
    pub place: String,
}

/// What a kernel's code came to.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Survey {
    /// Instructions that were looked at; 0: the tier or the object tells nothing.
    pub instructions: u32,
    /// Whether it looks at the CPU: it has CPUID or XGETBV, or reads what `available` functions read or CPUID
    /// said at some other time.
    pub looks_at_cpu: bool,
    /// What it needs of a CPU beyond every x86-64, one instruction of each need.
    pub needs: Vec<Need>,
    /// Those above its tier.
    pub foreign: Vec<Need>,
    /// Whether its `available` answers without asking anything: no memory, no CPU, nobody else.
    pub available_unasked: bool,
}

/// Surveys kernels of one object, in their order.
pub fn survey(kernels: &[(&str, TwKernel)]) -> Vec<Survey> {
    machine::survey(kernels)
}

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod machine {
    use std::ffi::CStr;
    use std::mem::zeroed;

    use iced_x86::{Code, CpuidFeature, FlowControl, Instruction, Mnemonic, OpKind};

    use super::{HashSet, Need, Survey, TwKernel};
    use crate::object::Object;

    /// More than any kernel has: what goes on beyond is not looked at.
    const MOST: usize = 400_000;

    pub fn survey(kernels: &[(&str, TwKernel)]) -> Vec<Survey> {
        let mut looked_at = HashSet::new();
        let first = kernels.iter().find_map(|(_, kernel)| kernel.run);
        if let Some(object) = first.and_then(|run| Object::around(run as usize as u64)) {
            looked_at.extend(object.what_cpuid_said());
        }
        for (_, kernel) in kernels {
            if let Some(available) = kernel.available {
                walk(available as usize as u64, |instruction| {
                    looked_at.extend(data_of(instruction));
                });
            }
        }
        let one = |(tier, kernel): &(&str, TwKernel)| match (level_of_tier(tier), kernel.run) {
            (Some(level), Some(run)) => Survey {
                available_unasked: kernel
                    .available
                    .is_some_and(|available| asks_nothing(available as usize as u64)),
                ..survey_one(level, run as usize as u64, &looked_at)
            },
            _ => Survey::default(),
        };
        kernels.iter().map(one).collect()
    }

    fn survey_one(level: u8, run: u64, looked_at: &HashSet<u64>) -> Survey {
        let mut survey = Survey::default();
        survey.instructions = walk(run, |instruction| {
            survey.looks_at_cpu |= matches!(instruction.code(), Code::Cpuid | Code::Xgetbv)
                || data_of(instruction).is_some_and(|address| looked_at.contains(&address));
            // `rep bsf` is what compilers write where either will do.
            if instruction.mnemonic() == Mnemonic::Tzcnt {
                return;
            }
            for feature in instruction.cpuid_features() {
                let Some(needed) = level_of(*feature) else {
                    continue;
                };
                let needs = format!("{feature:?}").replace('_', "-");
                if survey.needs.iter().any(|known| known.needs == needs) {
                    continue;
                }
                let need = Need {
                    instruction: format!("{:?}", instruction.mnemonic()).to_lowercase(),
                    needs,
                    place: place(instruction.ip(), run),
                };
                if needed > level {
                    survey.foreign.push(need.clone());
                }
                survey.needs.push(need);
            }
        });
        survey
    }

    /// Whether a function's answer is one and the same: it has nothing to take another one from.
    fn asks_nothing(function: u64) -> bool {
        let mut asks = false;
        let seen = walk(function, |instruction| {
            let memory =
                (0..instruction.op_count()).any(|i| instruction.op_kind(i) == OpKind::Memory);
            let asking = matches!(
                instruction.code(),
                Code::Cpuid | Code::Xgetbv | Code::Syscall
            );
            asks |= memory
                || asking
                || matches!(
                    instruction.flow_control(),
                    FlowControl::IndirectBranch
                        | FlowControl::IndirectCall
                        | FlowControl::Interrupt
                );
        });
        seen > 0 && !asks
    }

    /// 0: what every x86-64 has; 1: AVX2 and its companions; 2: AVX-512 as tiers have it; 3: more.
    fn level_of_tier(tier: &str) -> Option<u8> {
        match tier {
            "scalar" | "sse2" => Some(0),
            "avx2" => Some(1),
            "avx512" => Some(2),
            _ => None,
        }
    }

    /// The lowest tier that has a feature; `None`: it tells nothing of tiers.
    fn level_of(feature: CpuidFeature) -> Option<u8> {
        use CpuidFeature as F;
        Some(match feature {
            F::SSE3 | F::SSSE3 | F::SSE4_1 | F::SSE4_2 | F::POPCNT => 1,
            F::AVX | F::AVX2 | F::FMA | F::F16C | F::BMI1 | F::BMI2 | F::LZCNT | F::MOVBE => 1,
            F::AVX512F | F::AVX512BW | F::AVX512DQ | F::AVX512VL | F::AVX512CD => 2,
            F::AVX512_VNNI | F::AVX512_BF16 | F::AVX512_FP16 | F::AVX512_IFMA => 3,
            F::AVX512_VBMI | F::AVX512_VBMI2 | F::AVX512_BITALG | F::AVX512_VPOPCNTDQ => 3,
            F::AVX_VNNI | F::AVX_IFMA | F::AVX_NE_CONVERT | F::AVX_VNNI_INT8 | F::GFNI => 3,
            F::AMX_TILE | F::AMX_BF16 | F::AMX_INT8 | F::AMX_FP16 | F::FMA4 | F::XOP => 3,
            _ => return None,
        })
    }

    /// Visits all instructions that control can reach; returns how many.
    fn walk(start: u64, mut visit: impl FnMut(&Instruction)) -> u32 {
        let Some(object) = Object::around(start) else {
            return 0;
        };
        let mut seen = HashSet::new();
        let mut open = vec![start];
        while let Some(mut at) = open.pop() {
            while seen.len() < MOST && object.has_code(at) && seen.insert(at) {
                let instruction = object.decode(at);
                if instruction.is_invalid() {
                    break;
                }
                visit(&instruction);
                // A function whose address is taken is called by someone: a thread's, a part's.
                if instruction.mnemonic() == Mnemonic::Lea
                    && let Some(function) = data_of(&instruction)
                    && object.functions.contains(&function)
                {
                    open.push(function);
                }
                at = match instruction.flow_control() {
                    FlowControl::Next | FlowControl::IndirectCall => instruction.next_ip(),
                    FlowControl::ConditionalBranch | FlowControl::Call => {
                        open.push(instruction.near_branch_target());
                        instruction.next_ip()
                    }
                    FlowControl::UnconditionalBranch => {
                        open.push(instruction.near_branch_target());
                        break;
                    }
                    _ => break,
                };
                // A call that does not return may be the last of its function.
                if object.functions.contains(&at) {
                    break;
                }
            }
        }
        u32::try_from(seen.len()).unwrap_or(u32::MAX)
    }

    /// Data that an instruction names by its place; not where it goes.
    fn data_of(instruction: &Instruction) -> Option<u64> {
        let goes = matches!(
            instruction.flow_control(),
            FlowControl::IndirectBranch | FlowControl::IndirectCall
        );
        (instruction.is_ip_rel_memory_operand() && !goes)
            .then(|| instruction.ip_rel_memory_address())
    }

    fn place(at: u64, run: u64) -> String {
        // SAFETY: asks the loader about an address.
        unsafe {
            let mut info: libc::Dl_info = zeroed();
            let found = libc::dladdr(std::ptr::without_provenance(at as usize), &raw mut info);
            if found != 0 && !info.dli_sname.is_null() {
                let offset = at - info.dli_saddr as u64;
                return format!(
                    "{} + {offset:#x}",
                    CStr::from_ptr(info.dli_sname).to_string_lossy()
                );
            }
        }
        let distance = at.abs_diff(run);
        let side = if at < run { "before" } else { "behind" };
        format!("{distance:#x} bytes {side} the beginning of run")
    }

    impl Object {
        /// Data in which the answers of CPUID may stand: of functions that have the instruction, and what those
        /// write that look at such data.
        fn what_cpuid_said(&self) -> HashSet<u64> {
            let mut said = HashSet::new();
            let mut readers: Vec<(HashSet<u64>, HashSet<u64>)> = Vec::new();
            for start in &self.functions {
                let (mut asks, mut touched, mut written) = (false, HashSet::new(), HashSet::new());
                let mut at = *start;
                while self.has_code(at) && (at == *start || !self.functions.contains(&at)) {
                    let instruction = self.decode(at);
                    if instruction.is_invalid() {
                        break;
                    }
                    asks |= instruction.code() == Code::Cpuid;
                    if let Some(address) = data_of(&instruction) {
                        touched.insert(address);
                        if instruction.op0_kind() == OpKind::Memory {
                            written.insert(address);
                        }
                    }
                    at = instruction.next_ip();
                }
                if asks {
                    said.extend(&touched);
                } else if !written.is_empty() {
                    readers.push((touched, written));
                }
            }
            // What was said is kept in one more place, seldom in two.
            for _ in 0..2 {
                let next: Vec<u64> = readers
                    .iter()
                    .filter(|(touched, _)| !touched.is_disjoint(&said))
                    .flat_map(|(_, written)| written.iter().copied())
                    .collect();
                said.extend(next);
            }
            said
        }
    }
}

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
mod machine {
    use super::{Survey, TwKernel};

    pub fn survey(kernels: &[(&str, TwKernel)]) -> Vec<Survey> {
        kernels.iter().map(|_| Survey::default()).collect()
    }
}
