//! Every rule of the contract, broken once; and what looks broken but is legal. Nothing refused writes.

mod call;

use std::ptr;

use tierwise_abi::c::{TW_INVALID, TW_OK, TW_UNSUPPORTED, TwRmsNormArgs};
use tierwise_abi::invalid::Rule::{self, *};
use tierwise_abi::rms_norm::RmsNormCall;
use tierwise_abi::tensor::Dtype;

use call::{Call, MEMORY};

use crate::testing::Part;

/// Changes to the call, the argument that is then at fault, and the rule.
type Row = (fn(&mut Call), &'static str, Rule);

fn x(call: &mut Call) -> &mut Part {
    call.x.as_mut().unwrap()
}

fn y(call: &mut Call) -> &mut Part {
    call.y.as_mut().unwrap()
}

fn residual_out(call: &mut Call) -> &mut Part {
    call.residual_out.as_mut().unwrap()
}

const BROKEN: &[Row] = &[
    // The head.
    (
        |c| c.struct_size -= 1,
        "struct_size",
        StructSize(size_of::<TwRmsNormArgs>()),
    ),
    (
        |c| c.struct_size = 4,
        "struct_size",
        StructSize(size_of::<TwRmsNormArgs>()),
    ),
    (|c| c.threads = 0, "threads", NoThreads),
    // One tensor.
    (|c| c.x = None, "x", Missing),
    (|c| c.y = None, "y", Missing),
    (|c| x(c).shape = vec![12], "x", Dimensions(2)),
    (|c| y(c).shape = vec![1, 3, 4], "y", Dimensions(2)),
    (
        |c| c.weight.as_mut().unwrap().shape = vec![1, 4],
        "weight",
        Dimensions(1),
    ),
    (|c| x(c).shape = vec![-3, 4], "x", NegativeSize),
    (|c| x(c).strides = Some(vec![-4, 1]), "x", NegativeStride),
    (|c| y(c).strides = Some(vec![4, -1]), "y", NegativeStride),
    (|c| x(c).dtype.bits = 64, "x", UnknownType),
    (|c| x(c).dtype.code = 3, "x", UnknownType),
    (|c| y(c).dtype.lanes = 4, "y", UnknownType),
    (|c| x(c).dtype = Dtype::I32.to_dlpack(), "x", NotFloat),
    (
        |c| c.weight.as_mut().unwrap().dtype = Dtype::I32.to_dlpack(),
        "weight",
        NotFloat,
    ),
    (|c| x(c).device = (2, 0), "x", Device),
    (|c| x(c).device = (1, 1), "x", Device),
    (|c| x(c).at = None, "x", NullData),
    (|c| c.weight.as_mut().unwrap().at = None, "weight", NullData),
    (|c| x(c).at = Some(2), "x", Misaligned(4)),
    (|c| y(c).byte_offset = 1, "y", Misaligned(4)),
    // Sizes that only wrapping arithmetic could let pass.
    (
        |c| x(c).strides = Some(vec![1 << 62, 1]),
        "x",
        Unaddressable,
    ),
    (
        |c| x(c).strides = Some(vec![i64::MAX, i64::MAX]),
        "x",
        Unaddressable,
    ),
    (
        |c| y(c).strides = Some(vec![1 << 62, 1]),
        "y",
        Unaddressable,
    ),
    (|c| x(c).byte_offset = u64::MAX - 3, "x", Unaddressable),
    (|c| c.reshape(1 << 32, 1 << 32), "x", Unaddressable),
    (|c| c.reshape(1 << 62, 4), "x", Unaddressable),
    // Shapes together.
    (|c| c.reshape(3, 0), "n", Zero),
    (|c| c.reshape(0, 0), "n", Zero),
    (|c| y(c).shape = vec![2, 4], "y", ShapeDisagrees("x")),
    (
        |c| c.residual.as_mut().unwrap().shape = vec![3, 3],
        "residual",
        ShapeDisagrees("x"),
    ),
    (
        |c| residual_out(c).shape = vec![4, 3],
        "residual_out",
        ShapeDisagrees("x"),
    ),
    (
        |c| c.weight.as_mut().unwrap().shape = vec![3],
        "weight",
        ShapeDisagrees("x"),
    ),
    (
        |c| c.weight.as_mut().unwrap().shape = vec![0],
        "weight",
        ShapeDisagrees("x"),
    ),
    (|c| c.residual = None, "residual", Needed("residual_out")),
    // Parameters.
    (|c| c.eps = -1e-5, "eps", Epsilon),
    (|c| c.eps = f64::NAN, "eps", Epsilon),
    (|c| c.eps = f64::INFINITY, "eps", Epsilon),
    (|c| c.eps = 1e-40, "eps", Epsilon),
    (|c| c.eps = 1e300, "eps", Epsilon),
    (|c| c.offset = f32::NAN, "weight_offset", NotFinite),
    (|c| c.offset = f32::INFINITY, "weight_offset", NotFinite),
    (|c| c.before_weight = 2, "round_before_weight", Flag),
    // Outputs that name an element twice, or may.
    (|c| y(c).strides = Some(vec![0, 1]), "y", StridesDoNotNest),
    (|c| y(c).strides = Some(vec![4, 0]), "y", StridesDoNotNest),
    (|c| y(c).strides = Some(vec![3, 1]), "y", StridesDoNotNest),
    (|c| y(c).strides = Some(vec![1, 1]), "y", StridesDoNotNest),
    (|c| y(c).strides = Some(vec![2, 3]), "y", StridesDoNotNest),
    (
        |c| residual_out(c).strides = Some(vec![2, 1]),
        "residual_out",
        StridesDoNotNest,
    ),
    // Outputs that overlap otherwise than in place.
    (|c| y(c).at = Some(4), "y", Overlaps("x")),
    (|c| y(c).at = Some(44), "y", Overlaps("x")),
    (
        |c| (y(c).at, y(c).strides) = (Some(0), Some(vec![5, 1])),
        "y",
        Overlaps("x"),
    ),
    (
        |c| (y(c).at, y(c).dtype) = (Some(0), Dtype::F16.to_dlpack()),
        "y",
        Overlaps("x"),
    ),
    (|c| y(c).at = Some(64), "y", Overlaps("weight")),
    (|c| y(c).at = Some(128), "y", Overlaps("residual")),
    (|c| y(c).at = Some(192), "y", Overlaps("residual_out")),
    (
        |c| residual_out(c).at = Some(0),
        "residual_out",
        Overlaps("x"),
    ),
    (
        |c| residual_out(c).at = Some(76),
        "residual_out",
        Overlaps("weight"),
    ),
    (
        |c| residual_out(c).at = Some(132),
        "residual_out",
        Overlaps("residual"),
    ),
    // In place, but a third tensor lies there as well.
    (
        |c| (y(c).at, c.residual.as_mut().unwrap().at) = (Some(0), Some(0)),
        "y",
        Overlaps("residual"),
    ),
    (
        |c| (y(c).at, c.weight.as_mut().unwrap().at) = (Some(0), Some(16)),
        "y",
        Overlaps("weight"),
    ),
    (
        |c| (residual_out(c).at, x(c).at) = (Some(128), Some(128)),
        "residual_out",
        Overlaps("x"),
    ),
    // Invalid wins over empty work.
    (|c| (c.reshape(0, 4), c.threads = 0).1, "threads", NoThreads),
    (|c| (c.reshape(0, 4), c.eps = -1.0).1, "eps", Epsilon),
    (
        |c| (c.reshape(0, 4), y(c).strides = Some(vec![4, 0])).1,
        "y",
        StridesDoNotNest,
    ),
    (
        |c| (c.reshape(0, 4), c.weight.as_mut().unwrap().at = None).1,
        "weight",
        NullData,
    ),
];

#[test]
fn broken_calls_are_refused_by_name_and_rule() {
    for (line, (change, argument, rule)) in BROKEN.iter().enumerate() {
        let mut call = Call::legal();
        change(&mut call);
        assert_eq!(
            call.run(),
            (TW_INVALID, false),
            "row {line}: {argument} {rule}"
        );
        let mut memory = vec![0; MEMORY / 8];
        // SAFETY: the args are as the interface says, but for what must be refused.
        let read = call.with_args(&mut memory, |args| unsafe {
            RmsNormCall::read(ptr::from_ref(args).cast())
        });
        let invalid = read.expect_err("it was refused before");
        assert_eq!(
            (invalid.argument, invalid.rule),
            (*argument, *rule),
            "row {line}: {invalid}"
        );
    }
}

const LEGAL: &[fn(&mut Call)] = &[
    |_| (),
    |c| c.struct_size += 64,
    |c| c.threads = u32::MAX,
    |c| (c.weight, c.residual, c.residual_out) = (None, None, None),
    |c| c.eps = 0.0,
    |c| c.eps = 1e-5f32.into(),
    // Strides of dimensions of size 1 mean nothing.
    |c| (c.reshape(1, 4), y(c).strides = Some(vec![-7, 1])).1,
    |c| (c.reshape(3, 1), y(c).strides = Some(vec![1, i64::MIN])).1,
    |c| {
        (
            c.reshape(1, 1),
            y(c).strides = Some(vec![0, 0]),
            x(c).strides = Some(vec![1 << 62, 5]),
        )
            .2
    },
    // Broadcast inputs; inputs that overlap one another.
    |c| x(c).strides = Some(vec![0, 1]),
    |c| x(c).strides = Some(vec![0, 0]),
    |c| c.weight.as_mut().unwrap().strides = Some(vec![0]),
    |c| c.residual.as_mut().unwrap().at = Some(4),
    |c| c.weight.as_mut().unwrap().at = Some(0),
    // In place, one by one and both, however strides say it.
    |c| y(c).at = Some(0),
    |c| (y(c).at, y(c).strides) = (Some(0), Some(vec![4, 1])),
    |c| residual_out(c).at = Some(128),
    |c| (y(c).at, residual_out(c).at) = (Some(0), Some(128)),
    // Interleaved slices of one buffer, by row and by element.
    |c| {
        (x(c).at, x(c).strides) = (Some(512), Some(vec![8, 1]));
        (y(c).at, y(c).strides) = (Some(512 + 16), Some(vec![8, 1]));
    },
    |c| {
        (x(c).at, x(c).strides) = (Some(512), Some(vec![8, 2]));
        (y(c).at, y(c).strides) = (Some(516), Some(vec![8, 2]));
    },
    // Columns as rows.
    |c| y(c).strides = Some(vec![1, 3]),
];

#[test]
fn legal_calls_are_not() {
    for (line, change) in LEGAL.iter().enumerate() {
        let mut call = Call::legal();
        change(&mut call);
        assert_eq!(call.run(), (TW_OK, true), "row {line}");
    }
}

#[test]
fn no_rows_need_no_memory() {
    let mut call = Call::legal();
    call.reshape(0, 4);
    for part in call.parts().filter(|part| part.shape.len() == 2) {
        part.at = None;
    }
    assert_eq!(call.run(), (TW_OK, false));
}

#[test]
fn other_combinations_of_types_are_unsupported() {
    let f16 = || Dtype::F16.to_dlpack();
    let changes: [&dyn Fn(&mut Call); 4] = [
        &|c| c.weight.as_mut().unwrap().dtype = f16(),
        &|c| c.residual.as_mut().unwrap().dtype = f16(),
        &|c| residual_out(c).dtype = f16(),
        &|c| y(c).dtype = f16(),
    ];
    for change in changes {
        let mut call = Call::legal();
        change(&mut call);
        assert_eq!(call.run(), (TW_UNSUPPORTED, false));
    }
}
