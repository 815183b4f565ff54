//! The layouts of `c.rs` against the header that libraries are built on: a C program says the sizes and
//! offsets of `kernel-abi.h`, and every one of them must be Rust's.

use std::mem::{offset_of, size_of};
use std::path::Path;
use std::process::Command;

use tierwise_abi::c::{
    DLDataType, DLDevice, DLTensor, TwCall, TwGqaArgs, TwKernel, TwLibrary, TwRmsNormArgs,
    TwRopeArgs,
};

/// Lines `type.field offset` and `type size`, of both sides.
struct Layouts {
    program: String,
    ours: Vec<String>,
}

macro_rules! layout {
    ($layouts:ident, $c:literal, $rust:ident: $($field:ident)*) => {
        $layouts.program += &format!("printf(\"{0} %zu\\n\", sizeof({0}));\n", $c);
        $layouts.ours.push(format!("{} {}", $c, size_of::<$rust>()));
        $(
            let field = stringify!($field);
            $layouts.program += &format!("printf(\"{0}.{field} %zu\\n\", offsetof({0}, {field}));\n", $c);
            $layouts.ours.push(format!("{}.{field} {}", $c, offset_of!($rust, $field)));
        )*
    };
}

#[test]
fn every_size_and_offset_is_the_headers() {
    let mut layouts = Layouts {
        program: String::new(),
        ours: Vec::new(),
    };
    layout!(layouts, "DLDevice", DLDevice: device_type device_id);
    layout!(layouts, "DLDataType", DLDataType: code bits lanes);
    layout!(layouts, "DLTensor", DLTensor: data device ndim dtype shape strides byte_offset);
    layout!(layouts, "tw_call", TwCall: struct_size threads scratch scratch_bytes);
    layout!(layouts, "tw_rms_norm_args", TwRmsNormArgs:
        call x weight residual residual_out y eps weight_offset round_before_weight);
    layout!(layouts, "tw_rope_args", TwRopeArgs:
        call x positions cos sin y rotary_dim interleaved theta scaling original_max_positions factor
        low_freq_factor high_freq_factor beta_fast beta_slow attention_factor);
    layout!(layouts, "tw_gqa_args", TwGqaArgs:
        call q k v kv_len block_table mask out scale softcap window causal);
    layout!(layouts, "tw_kernel", TwKernel: op name tier available scratch_size run numerics promises);
    layout!(layouts, "tw_library", TwLibrary: abi kernel_count name version kernels);

    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (source, program) = (folder.join("layout.c"), folder.join("layout"));
    let text = format!(
        "#include <stdio.h>\n#include \"kernel-abi.h\"\nint main(void) {{\n{}}}\n",
        layouts.program
    );
    std::fs::write(&source, text).expect("the test's own folder");
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("include");
    let built = Command::new("cc")
        .arg("-I")
        .arg(include)
        .arg("-o")
        .arg(&program)
        .arg(&source)
        .status();
    assert!(built.expect("cc is needed to read the header").success());
    let said = Command::new(&program)
        .output()
        .expect("the program that cc made");
    let theirs: Vec<_> = std::str::from_utf8(&said.stdout)
        .expect("plain text")
        .lines()
        .collect();
    assert!(theirs.len() > 70, "the header was read: {theirs:?}");
    assert_eq!(layouts.ours, theirs);
}
