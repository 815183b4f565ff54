//! What the CPU and the operating system say of themselves.

use napi_derive::napi;

/// One cache level.
#[napi(object)]
pub struct Cache {
    /// `L1d`, `L2`, `L3`.
    pub name: String,
    /// Bytes of one such cache, however many cores share it.
    pub bytes: f64,
}

/// What CPUID and XGETBV say of this machine.
#[napi(object)]
pub struct CpuFacts {
    /// The brand string.
    pub model: String,
    /// `GenuineIntel`, `AuthenticAMD`, ...
    pub vendor: String,
    /// Instruction-set extensions that kernels may ask for, as CPUID has them: what the silicon can do.
    pub features: Vec<String>,
    /// Register state that the OS saves, hexadecimal; null where XGETBV can't be executed.
    pub xcr0: Option<String>,
    /// Data and unified caches.
    pub caches: Vec<Cache>,
}

/// Facts of the CPU.
#[cfg(target_arch = "x86_64")]
#[napi]
pub fn cpu_facts() -> CpuFacts {
    use raw_cpuid::{CacheType, CpuId};

    let cpuid = CpuId::new();
    let basic = cpuid.get_feature_info();
    let extended = cpuid.get_extended_feature_info();
    let mut features = Vec::new();
    let mut add = |name: &str, has: bool| {
        if has {
            features.push(name.to_owned());
        }
    };
    if let Some(basic) = &basic {
        add("sse2", basic.has_sse2());
        add("sse4.2", basic.has_sse42());
        add("avx", basic.has_avx());
        add("fma", basic.has_fma());
        add("f16c", basic.has_f16c());
    }
    if let Some(extended) = &extended {
        add("avx2", extended.has_avx2());
        add("bmi1", extended.has_bmi1());
        add("bmi2", extended.has_bmi2());
        add("avx512f", extended.has_avx512f());
        add("avx512bw", extended.has_avx512bw());
        add("avx512dq", extended.has_avx512dq());
        add("avx512vl", extended.has_avx512vl());
        add("avx512cd", extended.has_avx512cd());
        add("avx512_vnni", extended.has_avx512vnni());
        add("avx512_bf16", extended.has_avx512_bf16());
        add("avx512_fp16", extended.has_avx512_fp16());
        add("avx_vnni", extended.has_avx_vnni());
        add("amx_tile", extended.has_amx_tile());
        add("amx_int8", extended.has_amx_int8());
        add("amx_bf16", extended.has_amx_bf16());
    }
    let os_saves = basic.is_some_and(|basic| basic.has_oxsave());
    // SAFETY: XGETBV exists where OSXSAVE is set.
    let xcr0 = os_saves.then(|| format!("{:#x}", unsafe { std::arch::x86_64::_xgetbv(0) }));
    let caches = cpuid.get_cache_parameters().into_iter().flatten();
    let caches = caches
        .filter(|cache| matches!(cache.cache_type(), CacheType::Data | CacheType::Unified))
        .map(|cache| Cache {
            name: match cache.cache_type() {
                CacheType::Data => format!("L{}d", cache.level()),
                _ => format!("L{}", cache.level()),
            },
            bytes: (cache.associativity()
                * cache.physical_line_partitions()
                * cache.coherency_line_size()
                * cache.sets()) as f64,
        })
        .collect();
    CpuFacts {
        model: cpuid
            .get_processor_brand_string()
            .map_or_else(String::new, |brand| brand.as_str().trim().to_owned()),
        vendor: cpuid
            .get_vendor_info()
            .map_or_else(String::new, |vendor| vendor.as_str().to_owned()),
        features,
        xcr0,
        caches,
    }
}

/// Facts of the CPU: nothing is known of this architecture yet.
#[cfg(not(target_arch = "x86_64"))]
#[napi]
pub fn cpu_facts() -> CpuFacts {
    CpuFacts {
        model: std::env::consts::ARCH.to_owned(),
        vendor: String::new(),
        features: Vec::new(),
        xcr0: None,
        caches: Vec::new(),
    }
}
