//! Every rule of the contract, broken once; and what looks broken but is legal. Nothing refused writes.

mod call;

use std::ptr;

use tierwise_abi::c::{TW_INVALID, TW_OK, TwRopeArgs};
use tierwise_abi::invalid::Rule::{self, *};
use tierwise_abi::rope::RopeCall;
use tierwise_abi::tensor::Dtype;

use crate::testing::Part;
use call::Call;

/// Changes to the call, the argument that is then at fault, and the rule.
type Row = (fn(&mut Call), &'static str, Rule);

fn cos(call: &mut Call) -> &mut Part {
    call.cos.as_mut().unwrap()
}

fn sin(call: &mut Call) -> &mut Part {
    call.sin.as_mut().unwrap()
}

const BROKEN: &[Row] = &[
    // The head.
    (
        |c| c.args.call.struct_size -= 1,
        "struct_size",
        StructSize(size_of::<TwRopeArgs>()),
    ),
    (|c| c.args.call.threads = 0, "threads", NoThreads),
    // Tensors.
    (|c| c.x.shape = vec![2, 3, 8], "x", Dimensions(4)),
    (|c| c.y.shape = vec![12, 4], "y", Dimensions(4)),
    (
        |c| c.positions.shape = vec![2, 3, 1],
        "positions",
        Dimensions(2),
    ),
    (|c| c.positions.shape = vec![], "positions", Dimensions(2)),
    (|c| cos(c).shape = vec![10], "cos", Dimensions(2)),
    (|c| c.x.shape[2] = -2, "x", NegativeSize),
    (
        |c| c.x.strides = Some(vec![24, 8, -4, 1]),
        "x",
        NegativeStride,
    ),
    (
        |c| c.positions.strides = Some(vec![-1]),
        "positions",
        NegativeStride,
    ),
    (|c| c.x.dtype.bits = 64, "x", UnknownType),
    (|c| c.x.dtype = Dtype::I32.to_dlpack(), "x", NotFloat),
    (
        |c| c.y.dtype = Dtype::F16.to_dlpack(),
        "y",
        OtherType("f32"),
    ),
    (
        |c| c.positions.dtype = Dtype::F32.to_dlpack(),
        "positions",
        OtherType("int32"),
    ),
    (
        |c| cos(c).dtype = Dtype::F16.to_dlpack(),
        "cos",
        OtherType("f32"),
    ),
    (
        |c| sin(c).dtype = Dtype::I32.to_dlpack(),
        "sin",
        OtherType("f32"),
    ),
    (|c| c.positions.device = (2, 0), "positions", Device),
    (|c| c.x.at = None, "x", NullData),
    (|c| c.positions.at = None, "positions", NullData),
    (|c| sin(c).at = None, "sin", NullData),
    (|c| c.y.at = Some(514), "y", Misaligned(4)),
    (
        |c| c.x.strides = Some(vec![1 << 62, 8, 4, 1]),
        "x",
        Unaddressable,
    ),
    // Shapes together.
    (|c| c.y.shape[1] = 2, "y", ShapeDisagrees("x")),
    (
        |c| c.positions.shape = vec![2],
        "positions",
        ShapeDisagrees("x"),
    ),
    (
        |c| c.positions.shape = vec![3, 2],
        "positions",
        ShapeDisagrees("x"),
    ),
    (
        |c| c.positions.shape = vec![1, 3],
        "positions",
        ShapeDisagrees("x"),
    ),
    (
        |c| cos(c).shape = vec![5, 1],
        "cos",
        ShapeDisagrees("rotary_dim"),
    ),
    (|c| sin(c).shape = vec![4, 2], "sin", ShapeDisagrees("cos")),
    (|c| sin(c).shape = vec![5, 4], "sin", ShapeDisagrees("cos")),
    (|c| c.sin = None, "sin", Needed("cos")),
    (|c| c.cos = None, "cos", Needed("sin")),
    // Parameters.
    (|c| c.args.rotary_dim = 3, "rotary_dim", Odd),
    (|c| c.args.rotary_dim = 6, "rotary_dim", Above("head_dim")),
    (
        |c| c.args.rotary_dim = u32::MAX - 1,
        "rotary_dim",
        Above("head_dim"),
    ),
    (|c| c.args.interleaved = 2, "interleaved", Flag),
    (|c| c.computed(0).theta = 1.0, "theta", NotAboveOne),
    (|c| c.computed(0).theta = -1e4, "theta", NotAboveOne),
    (|c| c.computed(0).theta = f64::NAN, "theta", NotFinite),
    (|c| c.computed(0).theta = f64::INFINITY, "theta", NotFinite),
    (|c| _ = c.computed(4), "scaling", UnknownScaling),
    (|c| c.computed(1).factor = 0.0, "factor", NotPositive),
    (|c| c.computed(1).factor = -0.0, "factor", NotPositive),
    (|c| c.computed(2).factor = -1.0, "factor", NotPositive),
    (|c| c.computed(3).factor = f64::NAN, "factor", NotFinite),
    (
        |c| c.computed(2).original_max_positions = 0,
        "original_max_positions",
        Zero,
    ),
    (
        |c| c.computed(3).original_max_positions = 0,
        "original_max_positions",
        Zero,
    ),
    (
        |c| c.computed(2).high_freq_factor = 0.5,
        "high_freq_factor",
        Below("low_freq_factor"),
    ),
    (
        |c| c.computed(2).high_freq_factor = f64::NAN,
        "high_freq_factor",
        NotFinite,
    ),
    (
        |c| c.computed(2).low_freq_factor = -1.0,
        "low_freq_factor",
        Negative,
    ),
    (|c| c.computed(3).beta_fast = 0.0, "beta_fast", NotPositive),
    (
        |c| c.computed(3).beta_slow = f64::NAN,
        "beta_slow",
        NotFinite,
    ),
    (
        |c| c.computed(3).attention_factor = f64::INFINITY,
        "attention_factor",
        NotFinite,
    ),
    // Positions.
    (|c| c.at[1] = -1, "positions", Negative),
    (|c| c.at[2] = i32::MIN, "positions", Negative),
    (
        |c| (c.at[0], _) = (-1, c.computed(0)),
        "positions",
        Negative,
    ),
    (|c| c.at[1] = 5, "positions", OutsideTable(5)),
    (|c| c.at[2] = i32::MAX, "positions", OutsideTable(5)),
    (
        |c| (cos(c).shape[0], sin(c).shape[0]) = (4, 4),
        "positions",
        OutsideTable(4),
    ),
    (
        |c| (cos(c).shape[0], sin(c).shape[0]) = (0, 0),
        "positions",
        OutsideTable(0),
    ),
    (
        |c| (c.positions.shape, c.at[5]) = (vec![2, 3], 7),
        "positions",
        OutsideTable(5),
    ),
    // y.
    (
        |c| c.y.strides = Some(vec![24, 8, 4, 0]),
        "y",
        StridesDoNotNest,
    ),
    (
        |c| c.y.strides = Some(vec![24, 8, 3, 1]),
        "y",
        StridesDoNotNest,
    ),
    (
        |c| c.y.strides = Some(vec![24, 4, 8, 1]),
        "y",
        StridesDoNotNest,
    ),
    (|c| c.y.at = Some(4), "y", Overlaps("x")),
    (|c| c.y.at = Some(188), "y", Overlaps("x")),
    (
        |c| (c.y.at, c.y.strides) = (Some(0), Some(vec![30, 8, 4, 1])),
        "y",
        Overlaps("x"),
    ),
    (|c| c.y.at = Some(248), "y", Overlaps("positions")),
    (|c| c.y.at = Some(352), "y", Overlaps("cos")),
    (|c| c.y.at = Some(416), "y", Overlaps("sin")),
    (
        |c| (c.y.at, c.positions.at) = (Some(0), Some(16)),
        "y",
        Overlaps("positions"),
    ),
    // Invalid wins over empty work.
    (
        |c| (c.reshape([0, 3, 2, 4]), c.args.call.threads = 0).1,
        "threads",
        NoThreads,
    ),
    (
        |c| (c.reshape([0, 3, 2, 4]), c.at[1] = -4).1,
        "positions",
        Negative,
    ),
    (
        |c| (c.reshape([2, 3, 0, 4]), c.at[1] = 5).1,
        "positions",
        OutsideTable(5),
    ),
    (
        |c| (c.reshape([2, 0, 2, 4]), c.args.rotary_dim = 1).1,
        "rotary_dim",
        Odd,
    ),
    // No pairs, but a position.
    (
        |c| (c.no_pairs(), c.at[1] = 5).1,
        "positions",
        OutsideTable(5),
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
        let mut memory = call.memory();
        // SAFETY: the args are as the interface says, but for what must be refused.
        let read = call.with_args(&mut memory, |args| unsafe {
            RopeCall::read(ptr::from_ref(args).cast())
        });
        let invalid = read.expect_err("it was refused before");
        let seen = (invalid.argument, invalid.rule);
        assert_eq!(seen, (*argument, *rule), "row {line}: {invalid}");
    }
}

const LEGAL: &[fn(&mut Call)] = &[
    |_| (),
    |c| c.args.call.struct_size += 64,
    |c| c.args.call.threads = u32::MAX,
    |c| c.args.interleaved = 1,
    |c| (c.args.interleaved, c.positions.shape) = (1, vec![2, 3]),
    // What tables leave unread.
    |c| (c.args.theta, c.args.scaling, c.args.factor) = (f64::NAN, 9, -1.0),
    |c| c.no_pairs(),
    // Every scaling, and no more of its parameters than it reads.
    |c| _ = c.computed(0),
    |c| c.computed(0).factor = f64::NAN,
    |c| (c.computed(1).original_max_positions, c.args.beta_fast) = (0, f64::NAN),
    |c| (c.computed(2).beta_slow, c.args.attention_factor) = (0.0, f64::NAN),
    |c| (c.computed(2).low_freq_factor, c.args.high_freq_factor) = (4.0, 4.0),
    |c| (c.computed(3).low_freq_factor, c.args.high_freq_factor) = (5.0, -1.0),
    |c| (c.at, _) = ([i32::MAX; 6], c.computed(0)),
    // Strides of dimensions of size 1 mean nothing.
    |c| {
        (
            c.reshape([1, 3, 2, 4]),
            c.y.strides = Some(vec![-7, 8, 4, 1]),
        )
            .1
    },
    // Broadcast inputs; inputs that overlap one another.
    |c| c.x.strides = Some(vec![0, 0, 0, 1]),
    |c| c.positions.strides = Some(vec![0]),
    |c| cos(c).strides = Some(vec![0, 0]),
    |c| cos(c).at = sin(c).at,
    |c| c.x.at = Some(256),
    // In place; tokens and heads in another order; slices of one buffer.
    |c| c.y.at = Some(0),
    |c| (c.y.at, c.y.strides) = (Some(0), Some(vec![24, 8, 4, 1])),
    |c| c.y.strides = Some(vec![24, 4, 12, 1]),
    |c| {
        c.x.strides = Some(vec![48, 16, 8, 1]);
        (c.y.at, c.y.strides) = (Some(512 + 16), Some(vec![48, 16, 8, 1]));
        c.x.at = Some(512);
    },
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
fn no_work_needs_no_memory() {
    for empty in [
        [0, 3, 2, 4],
        [2, 0, 2, 4],
        [2, 3, 0, 4],
        [1 << 40, 0, 1 << 40, 4],
    ] {
        let mut call = Call::legal();
        call.reshape(empty);
        (call.x.at, call.y.at) = (None, None);
        assert_eq!(call.run(), (TW_OK, false), "{empty:?}");
    }
}

/// Too little scratch, misplaced, or none where some is needed.
#[test]
fn scratch_is_checked() {
    for (bytes_less, misplaced) in [(1, 0), (0, 32), (u64::MAX, 0)] {
        let mut call = Call::legal();
        call.computed(3);
        assert_eq!(
            call.run_in_scratch(bytes_less, misplaced),
            (TW_INVALID, false)
        );
    }
    let mut call = Call::legal();
    assert!(call.scratch_size() == 0, "tables are read where they lie");
    call.args.interleaved = 1;
    assert!(call.scratch_size() > 0);
    call.args.rotary_dim = 3;
    assert!(call.scratch_size() == 0, "the call is invalid");
}
