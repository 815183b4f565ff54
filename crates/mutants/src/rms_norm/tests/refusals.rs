//! What is refused, and what that looks like it is not.

use std::ptr;

use tierwise_abi::c::{DLTensor, TW_INVALID, TW_OK, TW_UNSUPPORTED, TwRmsNormArgs, TwStatus};

use super::case::{Buffer, FILL, args, call, dlpack};
use crate::float::Float;

/// A tensor in memory that it shares with others.
#[derive(Clone)]
struct View {
    /// Where it begins, in f32.
    at: usize,
    dtype: Float,
    shape: Vec<i64>,
    strides: Vec<i64>,
}

/// A call as its pieces lie in memory.
struct Layout {
    x: View,
    weight: View,
    residual: Option<View>,
    residual_out: View,
    y: View,
    struct_size: usize,
    threads: u32,
    eps: f64,
}

impl Layout {
    /// Five dense f32 tensors, 2 x 4, one behind the other.
    fn legal() -> Self {
        let view = |at| View {
            at,
            dtype: Float::F32,
            shape: vec![2, 4],
            strides: vec![4, 1],
        };
        Self {
            x: view(0),
            weight: View {
                shape: vec![4],
                strides: vec![1],
                ..view(8)
            },
            residual: Some(view(12)),
            residual_out: view(20),
            y: view(28),
            struct_size: size_of::<TwRmsNormArgs>(),
            threads: 1,
            eps: 1e-5,
        }
    }

    /// What the kernel answers, and whether it wrote nothing.
    fn run(&mut self) -> (TwStatus, bool) {
        let mut memory = Buffer::new(Float::F32, &[100], &[1]);
        let whole = memory.tensor();
        let tensor = |view: &mut View| DLTensor {
            ndim: view.shape.len() as i32,
            dtype: dlpack(view.dtype),
            shape: view.shape.as_mut_ptr(),
            strides: view.strides.as_mut_ptr(),
            byte_offset: 4 * view.at as u64,
            ..whole
        };
        let (x, weight) = (tensor(&mut self.x), tensor(&mut self.weight));
        let residual = self.residual.as_mut().map(tensor);
        let (mut residual_out, mut y) = (tensor(&mut self.residual_out), tensor(&mut self.y));
        let mut args = args(&x, &mut y);
        args.weight = &weight;
        args.residual = residual.as_ref().map_or(ptr::null(), ptr::from_ref);
        args.residual_out = &mut residual_out;
        args.call.struct_size = self.struct_size as u32;
        args.call.threads = self.threads;
        args.eps = self.eps;
        let status = call("sequential", &args);
        (status, (0..100).all(|slot| memory.get(slot) == FILL))
    }
}

/// A name, and what it does to a legal call.
type Alteration = (&'static str, fn(&mut Layout));

#[test]
fn what_breaks_the_contract_is_refused() {
    let invalid: &[Alteration] = &[
        ("n = 0", |call| {
            call.weight.shape = vec![0];
            let Layout {
                x,
                residual,
                residual_out,
                y,
                ..
            } = call;
            for view in [x, residual.as_mut().unwrap(), residual_out, y] {
                view.shape = vec![2, 0];
            }
        }),
        ("n = 0 without rows", |call| {
            call.weight.shape = vec![0];
            let Layout {
                x,
                residual,
                residual_out,
                y,
                ..
            } = call;
            for view in [x, residual.as_mut().unwrap(), residual_out, y] {
                view.shape = vec![0, 0];
            }
        }),
        ("residual_out without residual", |call| call.residual = None),
        ("negative eps", |call| call.eps = -1e-5),
        ("NaN eps", |call| call.eps = f64::NAN),
        ("longer weight", |call| call.weight.shape = vec![5]),
        ("weight of two dimensions", |call| {
            (call.weight.shape, call.weight.strides) = (vec![1, 4], vec![4, 1]);
        }),
        ("x of one dimension", |call| {
            (call.x.shape, call.x.strides) = (vec![8], vec![1])
        }),
        ("y of three dimensions", |call| {
            (call.y.shape, call.y.strides) = (vec![1, 2, 4], vec![8, 4, 1]);
        }),
        ("more rows in y", |call| call.y.shape = vec![3, 4]),
        ("fewer rows in residual", |call| {
            call.residual.as_mut().unwrap().shape = vec![1, 4]
        }),
        ("narrower residual_out", |call| {
            call.residual_out.shape = vec![2, 3]
        }),
        ("no threads", |call| call.threads = 0),
        ("short struct", |call| call.struct_size -= 1),
        ("y's rows repeat", |call| call.y.strides = vec![0, 1]),
        ("y's elements repeat", |call| call.y.strides = vec![1, 0]),
        ("y's rows run into each other", |call| {
            call.y.strides = vec![3, 1]
        }),
        ("y one element into x", |call| {
            (call.x.at, call.y.at) = (43, 50)
        }),
        ("y is x with other strides", |call| {
            call.y = View {
                strides: vec![5, 1],
                ..call.x.clone()
            };
        }),
        ("y touches the weight", |call| {
            call.y.at = call.weight.at + 3
        }),
        ("y is the residual", |call| {
            call.y = call.residual.clone().unwrap()
        }),
        ("y is residual_out", |call| {
            call.y = call.residual_out.clone()
        }),
        ("y is x, and so is the residual", |call| {
            (call.y, call.residual) = (call.x.clone(), Some(call.x.clone()));
        }),
        ("residual_out is x", |call| {
            call.residual_out = call.x.clone()
        }),
        ("residual_out one element into residual", |call| {
            call.residual_out.at = call.residual.as_ref().unwrap().at + 7;
        }),
    ];
    for (name, alter) in invalid {
        let mut call = Layout::legal();
        alter(&mut call);
        assert_eq!(call.run(), (TW_INVALID, true), "{name}");
    }
}

#[test]
fn what_the_contract_allows_is_done() {
    let legal: &[Alteration] = &[
        ("nothing special", |_| ()),
        ("longer struct", |call| call.struct_size += 8),
        ("more threads than rows", |call| call.threads = 16),
        ("y is x", |call| call.y = call.x.clone()),
        ("residual_out is residual", |call| {
            call.residual_out = call.residual.clone().unwrap()
        }),
        ("inputs overlap", |call| {
            (call.weight.at, call.residual) = (call.x.at + 2, Some(call.x.clone()));
        }),
        ("x repeats", |call| call.x.strides = vec![0, 0]),
        ("y between the elements of x", |call| {
            call.x = View {
                at: 50,
                strides: vec![8, 2],
                ..call.x.clone()
            };
            call.y = View {
                at: 51,
                ..call.x.clone()
            };
        }),
        ("y between the rows of x, the other way around", |call| {
            call.x = View {
                at: 50,
                strides: vec![1, 3],
                ..call.x.clone()
            };
            call.y = View {
                at: 52,
                strides: vec![20, 3],
                ..call.x.clone()
            };
        }),
        ("16 bits in the gaps of 32", |call| {
            call.weight = View {
                at: 60,
                strides: vec![3],
                ..call.weight.clone()
            };
            let Layout {
                x,
                residual,
                residual_out,
                y,
                ..
            } = call;
            for view in [x, residual.as_mut().unwrap(), residual_out, y] {
                view.dtype = Float::Bf16;
            }
            call.y = View {
                at: 61,
                strides: vec![12, 3],
                ..call.y.clone()
            };
        }),
    ];
    for (name, alter) in legal {
        let mut call = Layout::legal();
        alter(&mut call);
        assert_eq!(call.run(), (TW_OK, false), "{name}");
    }
}

#[test]
fn other_types_than_the_contract_asks_for_are_unsupported() {
    let unusual: &[Alteration] = &[
        ("f16 weight beside f32", |call| {
            call.weight.dtype = Float::F16
        }),
        ("f16 residual", |call| {
            call.residual.as_mut().unwrap().dtype = Float::F16
        }),
        ("bf16 y", |call| call.y.dtype = Float::Bf16),
    ];
    for (name, alter) in unusual {
        let mut call = Layout::legal();
        alter(&mut call);
        assert_eq!(call.run(), (TW_UNSUPPORTED, true), "{name}");
    }
}
