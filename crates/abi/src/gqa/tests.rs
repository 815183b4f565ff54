//! Every rule of the contract, broken once; what looks broken but is legal; and which keys are seen, against the
//! contract's own words.

mod call;

use crate::c::TwGqaArgs;
use crate::invalid::Rule::{self, *};
use crate::tensor::Dtype;
use call::{Call, Part};

/// Changes to the call, the argument that is then at fault, and the rule.
type Row = (fn(&mut Call), &'static str, Rule);

fn kv_len(call: &mut Call) -> &mut Part {
    call.kv_len.as_mut().unwrap()
}

fn table(call: &mut Call) -> &mut Part {
    call.paged().block_table.as_mut().unwrap()
}

fn mask(call: &mut Call) -> &mut Part {
    call.mask.as_mut().unwrap()
}

/// Which need no value of a tensor to be refused.
const BROKEN: &[Row] = &[
    // The head.
    (
        |c| c.args.call.struct_size -= 1,
        "struct_size",
        StructSize(size_of::<TwGqaArgs>()),
    ),
    (|c| c.args.call.threads = 0, "threads", NoThreads),
    // Tensors.
    (|c| c.q.shape = vec![6, 4, 8], "q", Dimensions(4)),
    (|c| c.k.shape = vec![10, 2, 8], "k", Dimensions(4)),
    (|c| c.v.shape = vec![2, 5, 16], "v", Dimensions(4)),
    (|c| c.out.shape = vec![], "out", Dimensions(4)),
    (|c| kv_len(c).shape = vec![2, 1], "kv_len", Dimensions(1)),
    (|c| table(c).shape = vec![6], "block_table", Dimensions(2)),
    (|c| mask(c).shape = vec![3, 5], "mask", Dimensions(4)),
    (|c| c.q.device = (2, 0), "q", Device),
    (|c| c.k.shape[2] = -2, "k", NegativeSize),
    (
        |c| c.v.strides = Some(vec![80, 16, -8, 1]),
        "v",
        NegativeStride,
    ),
    (
        |c| kv_len(c).strides = Some(vec![-1]),
        "kv_len",
        NegativeStride,
    ),
    (
        |c| table(c).strides = Some(vec![3, -1]),
        "block_table",
        NegativeStride,
    ),
    (|c| c.q.at = None, "q", NullData),
    (|c| c.k.at = None, "k", NullData),
    (|c| c.v.at = None, "v", NullData),
    (|c| c.out.at = None, "out", NullData),
    (|c| kv_len(c).at = None, "kv_len", NullData),
    (|c| table(c).at = None, "block_table", NullData),
    (|c| mask(c).at = None, "mask", NullData),
    (|c| kv_len(c).at = Some(3074), "kv_len", Misaligned(4)),
    (
        |c| c.k.strides = Some(vec![1 << 62, 16, 8, 1]),
        "k",
        Unaddressable,
    ),
    // Types.
    (|c| c.q.dtype.bits = 64, "q", UnknownType),
    (|c| c.q.dtype = Dtype::I32.to_dlpack(), "q", NotFloat),
    (|c| c.k.dtype = Dtype::I32.to_dlpack(), "k", NotFloat),
    (
        |c| c.v.dtype = Dtype::F16.to_dlpack(),
        "v",
        OtherType("f32"),
    ),
    (
        |c| c.k.dtype = Dtype::F16.to_dlpack(),
        "v",
        OtherType("f16"),
    ),
    (
        |c| c.q.dtype = Dtype::F16.to_dlpack(),
        "k",
        OtherType("f16"),
    ),
    (
        |c| c.q.dtype = Dtype::Bf16.to_dlpack(),
        "k",
        OtherType("bf16"),
    ),
    (
        |c| c.out.dtype = Dtype::F16.to_dlpack(),
        "out",
        OtherType("f32"),
    ),
    (
        |c| kv_len(c).dtype = Dtype::F32.to_dlpack(),
        "kv_len",
        OtherType("int32"),
    ),
    (
        |c| table(c).dtype = Dtype::F32.to_dlpack(),
        "block_table",
        OtherType("int32"),
    ),
    (
        |c| mask(c).dtype = Dtype::F16.to_dlpack(),
        "mask",
        OtherType("f32"),
    ),
    // Shapes together.
    (|c| c.q.shape[2] = 0, "q_heads", Zero),
    (|c| c.k.shape[2] = 0, "kv_heads", Zero),
    (|c| c.q.shape[3] = 0, "head_dim", Zero),
    (|c| c.q.shape[2] = 3, "q_heads", NotMultiple("kv_heads")),
    (|c| c.q.shape[2] = 1, "q_heads", NotMultiple("kv_heads")),
    (|c| c.k.shape[0] = 1, "k", ShapeDisagrees("q")),
    (|c| c.k.shape[3] = 4, "k", ShapeDisagrees("q")),
    (|c| c.v.shape[1] = 4, "v", ShapeDisagrees("k")),
    (|c| c.v.shape[2] = 1, "v", ShapeDisagrees("k")),
    (|c| c.v.shape[3] = 4, "v", ShapeDisagrees("k")),
    (|c| c.paged().v.shape[0] = 3, "v", ShapeDisagrees("k")),
    (|c| c.out.shape[1] = 2, "out", ShapeDisagrees("q")),
    (|c| kv_len(c).shape = vec![1], "kv_len", ShapeDisagrees("q")),
    (
        |c| table(c).shape = vec![3, 2],
        "block_table",
        ShapeDisagrees("q"),
    ),
    (|c| mask(c).shape[0] = 3, "mask", ShapeDisagrees("q and k")),
    (|c| mask(c).shape[1] = 2, "mask", ShapeDisagrees("q and k")),
    (|c| mask(c).shape[2] = 1, "mask", ShapeDisagrees("q and k")),
    (|c| mask(c).shape[3] = 1, "mask", ShapeDisagrees("q and k")),
    (|c| mask(c).shape[3] = 6, "mask", ShapeDisagrees("q and k")),
    (
        |c| (c.mask, _) = (c.mask.take(), c.block_table = c.paged().block_table.take()),
        "mask",
        ShapeDisagrees("q and k"),
    ),
    (
        |c| {
            table(c).shape[1] = 1 << 40;
            (c.k.shape, c.v.shape) = (vec![0, 1 << 40, 2, 8], vec![0, 1 << 40, 2, 8]);
        },
        "block_table",
        TooManyPositions,
    ),
    // Parameters.
    (|c| c.args.scale = f32::NAN, "scale", NotFinite),
    (|c| c.args.scale = f32::INFINITY, "scale", NotFinite),
    (|c| c.args.softcap = f32::NAN, "softcap", NotFinite),
    (|c| c.args.softcap = f32::INFINITY, "softcap", NotFinite),
    (|c| c.args.softcap = -1e-45, "softcap", Negative),
    (|c| c.args.window = -1, "window", Negative),
    (|c| c.args.window = i32::MIN, "window", Negative),
    (
        |c| (c.args.window, c.args.causal) = (-1, 0),
        "window",
        Negative,
    ),
    (
        |c| (c.args.window, c.args.causal) = (1, 0),
        "causal",
        Needed("window"),
    ),
    (|c| c.args.causal = 2, "causal", Flag),
    (|c| (c.args.window, c.args.causal) = (1, 2), "causal", Flag),
    // out.
    (
        |c| c.out.strides = Some(vec![96, 32, 8, 0]),
        "out",
        StridesDoNotNest,
    ),
    (
        |c| c.out.strides = Some(vec![96, 32, 7, 1]),
        "out",
        StridesDoNotNest,
    ),
    (|c| c.out.at = Some(0), "out", Overlaps("q")),
    (|c| c.out.at = Some(764), "out", Overlaps("q")),
    (|c| c.out.at = Some(1024), "out", Overlaps("k")),
    (|c| c.out.at = Some(2684), "out", Overlaps("v")),
    (
        |c| (c.out.at, kv_len(c).at) = (Some(4608), Some(4612)),
        "out",
        Overlaps("kv_len"),
    ),
    (
        |c| (table(c).at, c.out.at) = (Some(5120), Some(5120)),
        "out",
        Overlaps("block_table"),
    ),
    (|c| c.out.at = Some(4572), "out", Overlaps("mask")),
    // Invalid wins over empty work.
    (|c| c.queries(0).args.call.threads = 0, "threads", NoThreads),
    (|c| c.no_batches().args.scale = f32::NAN, "scale", NotFinite),
    (
        |c| (c.queries(0).k.shape[3], c.v.shape[3]) = (4, 4),
        "k",
        ShapeDisagrees("q"),
    ),
];

/// Which are refused for what a tensor holds, and only then.
const OUTSIDE: &[Row] = &[
    (|c| c.lengths[0] = 6, "kv_len", OutsideCapacity(5)),
    (|c| c.lengths[1] = i32::MAX, "kv_len", OutsideCapacity(5)),
    (|c| c.lengths[1] = -1, "kv_len", Negative),
    (|c| c.lengths[0] = i32::MIN, "kv_len", Negative),
    (|c| c.paged().lengths[0] = 7, "kv_len", OutsideCapacity(6)),
    (
        |c| c.queries(0).lengths[0] = 6,
        "kv_len",
        OutsideCapacity(5),
    ),
    (
        |c| (c.queries(3).k.shape[1], c.v.shape[1]) = (0, 0),
        "kv_len",
        OutsideCapacity(0),
    ),
    (|c| c.paged().blocks[0] = -1, "block_table", Negative),
    (|c| c.paged().blocks[0] = 4, "block_table", OutsideBlocks(4)),
    (|c| c.paged().blocks[4] = i32::MIN, "block_table", Negative),
    (
        |c| (c.paged().kv_len, c.blocks[5]) = (None, 4),
        "block_table",
        OutsideBlocks(4),
    ),
    (
        |c| (c.paged().k.shape[0], c.v.shape[0]) = (0, 0),
        "block_table",
        OutsideBlocks(0),
    ),
];

#[test]
fn broken_calls_are_refused_by_name_and_rule() {
    for (line, (change, argument, rule)) in BROKEN.iter().enumerate() {
        let mut call = Call::legal();
        change(&mut call);
        let (read, unread) = call.read(|_| ());
        let invalid = unread.expect_err(&format!("row {line}: {argument} {rule}"));
        assert_eq!(
            (invalid.argument, invalid.rule),
            (*argument, *rule),
            "row {line}: {invalid}"
        );
        let read = read.expect_err("it is refused without values");
        assert_eq!(read.to_string(), invalid.to_string(), "row {line}");
    }
}

#[test]
fn values_outside_are_refused_where_they_are_read() {
    for (line, (change, argument, rule)) in OUTSIDE.iter().enumerate() {
        let mut call = Call::legal();
        change(&mut call);
        let (read, unread) = call.read(|_| ());
        let invalid = read.expect_err(&format!("row {line}: {argument} {rule}"));
        assert_eq!(
            (invalid.argument, invalid.rule),
            (*argument, *rule),
            "row {line}: {invalid}"
        );
        assert!(unread.is_ok(), "row {line}: scratch_size reads no value");
    }
}

const LEGAL: &[fn(&mut Call)] = &[
    |_| (),
    |c| c.args.call.struct_size += 64,
    |c| c.args.call.threads = u32::MAX,
    |c| c.args.scale = -0.0,
    |c| c.args.softcap = -0.0,
    |c| c.args.softcap = 50.0,
    |c| c.args.window = i32::MAX,
    |c| c.args.causal = 0,
    |c| c.kv_len = None,
    |c| c.mask = None,
    // MHA, MQA.
    |c| (c.q.shape[2], c.out.shape[2], mask(c).shape[1]) = (2, 2, 2),
    |c| (c.k.shape[2], c.v.shape[2]) = (1, 1),
    // f16 and bf16, under f32 q and throughout.
    |c| (c.k.dtype, c.v.dtype) = (Dtype::F16.to_dlpack(), Dtype::F16.to_dlpack()),
    |c| (c.k.dtype, c.v.dtype) = (Dtype::Bf16.to_dlpack(), Dtype::Bf16.to_dlpack()),
    |c| {
        for part in [&mut c.q, &mut c.k, &mut c.v, &mut c.out] {
            part.dtype = Dtype::Bf16.to_dlpack();
        }
    },
    // Masks for all batches, for all heads, for both; of one row for all queries by a stride.
    |c| mask(c).shape[0] = 1,
    |c| mask(c).shape[1] = 1,
    |c| (mask(c).shape[0], mask(c).shape[1]) = (1, 1),
    |c| mask(c).strides = Some(vec![0, 0, 0, 1]),
    // Lengths at both ends; one for all.
    |c| c.lengths = [0, 5],
    |c| (c.lengths, kv_len(c).strides) = ([5, -1], Some(vec![0])),
    // Heads before tokens; k and v in one memory; inputs that overlap one another.
    |c| c.k.strides = Some(vec![80, 8, 40, 1]),
    |c| c.out.strides = Some(vec![96, 8, 24, 1]),
    |c| c.v.at = c.k.at,
    |c| mask(c).at = Some(0),
    // Blocks; repeated; one row for all batches; none where nothing is seen.
    |c| _ = c.paged(),
    |c| c.paged().blocks[5] = -9,
    |c| c.paged().blocks = [0; 6],
    |c| (table(c).strides, c.blocks[3]) = (Some(vec![0, 1]), -1),
    |c| (c.paged().args.window, c.blocks[0]) = (1, 99),
    |c| (c.paged().lengths, c.blocks) = ([0, 0], [-1; 6]),
    |c| (c.paged().queries(0).kv_len, c.blocks) = (None, [-1; 6]),
    // Without room for a key: none in memory, none in a block, no blocks.
    |c| {
        for part in c.caches() {
            (part.shape[1], part.at) = (0, None);
        }
        (mask(c).shape[3], mask(c).at, c.lengths) = (0, None, [0, 0]);
    },
    |c| {
        for part in c.paged().caches() {
            (part.shape[1], part.at) = (0, None);
        }
        (c.kv_len, c.blocks) = (None, [-1; 6]);
    },
    |c| {
        for part in c.paged().caches() {
            (part.shape[0], part.at) = (0, None);
        }
        c.lengths = [0, 0];
    },
    |c| (table(c).shape, c.kv_len) = (vec![2, 0], None),
    // No work, no memory.
    |c| (c.queries(0).q.at, c.out.at) = (None, None),
    |c| c.no_batches().no_memory(),
    |c| {
        (c.paged().k.shape[0], c.v.shape[0]) = (0, 0);
        c.no_batches().no_memory();
    },
];

#[test]
fn legal_calls_are_not() {
    for (line, change) in LEGAL.iter().enumerate() {
        let mut call = Call::legal();
        change(&mut call);
        let (read, unread) = call.read(|_| ());
        assert_eq!(read, Ok(()), "row {line}");
        assert!(unread.is_ok(), "row {line}");
    }
}

#[test]
fn a_call_names_its_sizes() {
    let mut call = Call::legal();
    (mask(&mut call).shape[0], mask(&mut call).shape[1]) = (1, 1);
    let (read, _) = call.read(|call| {
        assert_eq!((call.batch(), call.q_len(), call.q_heads()), (2, 3, 4));
        assert_eq!((call.kv_heads(), call.head_dim(), call.group()), (2, 8, 2));
        assert_eq!(call.kv_cap, 5);
        // SAFETY: both are batches of the call.
        assert_eq!(unsafe { (call.kv_len(0), call.kv_len(1)) }, (5, 3));
        let mask = call.mask.unwrap();
        assert_eq!((mask.shape, mask.strides), ([2, 4, 3, 5], [0, 0, 5, 1]));
    });
    read.unwrap();
    call.paged().kv_len = None;
    let (read, _) = call.read(|call| {
        assert_eq!(call.kv_cap, 6);
        // SAFETY: batches of the call, and keys that are seen.
        unsafe {
            assert_eq!(call.kv_len(1), 6);
            assert_eq!(
                [0, 3, 5].map(|key| call.place(0, key)),
                [[3, 0], [0, 1], [1, 1]]
            );
            assert_eq!([1, 2].map(|key| call.place(1, key)), [[2, 1], [2, 0]]);
        }
    });
    read.unwrap();
}

/// The contract's words, for a key below the length.
fn sees(call: &Call, kv_len: i64, query: i64, key: i64) -> bool {
    let position = kv_len - call.q.shape[1] + query;
    let window = i64::from(call.args.window);
    (call.args.causal == 0 || key <= position) && (window == 0 || key > position - window)
}

/// Every length, number of queries and window up to more than there are keys; every entry of the table, broken.
#[test]
fn what_is_seen_is_what_the_contract_says() {
    let mut refused = 0;
    for index in 0..4 * 7 * 9 * 8 {
        let (causal, window) =
            [(0, 0), (1, 0), (1, 1 + index / 4 % 7), (1, i32::MAX)][index as usize % 4];
        let (kv_len, q_len) = (index / 28 / 9 % 7, index / 28 % 9);
        let entry = (index / 28 / 63) as usize % 3;
        let mut call = Call::legal();
        call.paged().queries(q_len.into());
        call.out.at = Some(4096);
        (call.args.causal, call.args.window) = (causal, window);
        call.lengths = [kv_len, 0];
        let sees = |call: &Call, query: i64, key: i64| sees(call, kv_len.into(), query, key);
        let keys = |sees: &dyn Fn(i64) -> bool| {
            (0..i64::from(kv_len))
                .filter(|key| sees(*key))
                .collect::<Vec<_>>()
        };
        let seen = keys(&|key| (0..q_len.into()).any(|query| sees(&call, query, key)));
        let visible: Vec<_> = (0..q_len.into())
            .map(|query| keys(&|key| sees(&call, query, key)))
            .collect();
        let of = |range: std::ops::Range<usize>| range.map(|key| key as i64).collect::<Vec<_>>();
        let (read, _) = call.read(|call| {
            assert_eq!(of(call.seen(kv_len as usize)), seen);
            for (query, visible) in visible.iter().enumerate() {
                assert_eq!(of(call.visible(kv_len as usize, query)), *visible);
            }
        });
        read.unwrap();
        call.blocks[entry] = 4;
        let needed = seen.iter().any(|key| *key as usize / 2 == entry);
        assert_eq!(
            call.read(|_| ()).0.is_err(),
            needed,
            "{kv_len} {q_len} {window} {entry}"
        );
        refused += usize::from(needed);
    }
    assert!(refused > 100, "{refused}");
}

/// Far ends: lengths that no memory holds, queries far before the first key.
#[test]
fn positions_are_64_bits() {
    let mut call = Call::legal();
    call.queries(1 << 40);
    for part in [&mut call.q, &mut call.k, &mut call.v, &mut call.out] {
        (part.shape[0], part.at) = (0, None);
    }
    (call.k.shape[1], call.v.shape[1]) = (i64::MAX, i64::MAX);
    kv_len(&mut call).shape = vec![0];
    let (read, _) = call.read(|call| {
        assert_eq!(call.kv_cap, i64::MAX as usize);
        assert_eq!(call.position(3, 0), 3 - (1 << 40));
        assert_eq!(call.visible(3, 0), 0..0);
        assert_eq!(call.visible(3, (1 << 40) - 1), 0..3);
        assert_eq!(call.position(call.kv_cap, (1 << 40) - 1), i64::MAX - 1);
        assert_eq!(call.seen(call.kv_cap).end, call.kv_cap);
    });
    read.unwrap();
}
