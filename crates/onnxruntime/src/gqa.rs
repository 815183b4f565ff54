//! `gqa` by the contrib operator GroupQueryAttention.
//!
//! The operator is made for a decoder's loop: it appends the keys and values of new tokens to a cache, heads before
//! tokens, then attends to all of the cache. The contract has the keys in place already. Two of its calls say the same:
//! a cache to which nothing is appended (new keys of length 0, past and present the same memory), and a prompt, all of
//! whose keys are new and whose cache is empty.

use tierwise_abi::gqa::GqaCall;
use tierwise_abi::tensor::Tensor;

use crate::layout::{Layout, dense};
use crate::model::{Attribute, Element, Input, MICROSOFT, Node};
use crate::operand::Operand;
use crate::runtime;
use crate::session::{Form, Sessions};
use crate::table::Unsupported;

static SESSIONS: Sessions<Attention> = Sessions::new();

/// What a session is made for.
#[derive(Clone, Copy, PartialEq)]
struct Attention {
    element: Element,
    q_heads: usize,
    kv_heads: usize,
    scale: f32,
    softcap: f32,
    window: usize,
    masked: bool,
    keys: Keys,
}

/// How the operator comes by keys and values.
#[derive(Clone, Copy, PartialEq)]
enum Keys {
    /// From a cache, heads before tokens, which is read where it lies.
    Cached,
    /// As those of new tokens, tokens before heads. It makes the cache, which the adapter has no use for.
    New,
}

impl Form for Attention {
    fn node(&self) -> Node {
        let given = Input::Given(self.element);
        let cached = match self.keys {
            Keys::Cached => given,
            Keys::New => Input::Absent,
        };
        let numbers = Input::Given(Element::I32);
        let mut attributes = vec![
            ("num_heads", Attribute::Int(self.q_heads as i64)),
            ("kv_num_heads", Attribute::Int(self.kv_heads as i64)),
            ("scale", Attribute::Float(self.scale)),
        ];
        if self.softcap > 0.0 {
            attributes.push(("softcap", Attribute::Float(self.softcap)));
        }
        if self.window > 0 {
            attributes.push(("local_window_size", Attribute::Int(self.window as i64)));
        }
        let mut inputs = vec![given, given, given, cached, cached, numbers, numbers];
        if self.masked {
            // No tables of cosines and sines, no positions.
            inputs.extend([Input::Absent; 3]);
            inputs.push(given);
        }
        Node {
            operator: "GroupQueryAttention",
            domain: MICROSOFT,
            attributes,
            inputs,
            outputs: vec![Some(self.element); 3],
        }
    }
}

/// The tensors of a call that the operator takes as they lie.
struct Plan {
    q: Operand,
    k: Operand,
    v: Operand,
    mask: Option<Operand>,
    out: Operand,
    keys: Keys,
}

impl Plan {
    fn of(call: &GqaCall) -> Result<Self, Unsupported> {
        let element = Element::of(call.q.dtype).ok_or(Unsupported)?;
        // The operator sees as far as the causal contract does; a scale of 0 stands for its default.
        if !call.causal && call.q_len() > 1 || call.scale == 0.0 || call.block_table.is_some() {
            return Err(Unsupported);
        }
        let tokens = |tensor| Layout::TokenMajor.operand(tensor, element);
        let (keys, [k, v]) = keys(call, element)?;
        Ok(Self {
            q: tokens(&call.q)?,
            k,
            v,
            mask: match &call.mask {
                Some(mask) => Some(bias(mask, element)?),
                None => None,
            },
            out: tokens(&call.out)?,
            keys,
        })
    }

    /// Bytes in front of the caches that the operator makes: a length less 1 of each batch, and the largest.
    fn lengths(call: &GqaCall) -> usize {
        ((call.batch() + 1) * Element::I32.size()).next_multiple_of(64)
    }

    /// Bytes of one cache that the operator makes.
    fn cache(&self) -> usize {
        match self.keys {
            Keys::Cached => 0,
            Keys::New => (self.k.shape.count() * self.k.element.size()).next_multiple_of(64),
        }
    }

    fn scratch(&self, call: &GqaCall) -> usize {
        Self::lengths(call) + 2 * self.cache()
    }
}

/// Keys and values, as a cache or as new ones.
fn keys(call: &GqaCall, element: Element) -> Result<(Keys, [Operand; 2]), Unsupported> {
    let both = [&call.k, &call.v];
    if both.iter().all(|tensor| Layout::HeadMajor.fits(tensor)) {
        let [k, v] = both.map(|tensor| Layout::HeadMajor.operand(tensor, element));
        return Ok((Keys::Cached, [k?, v?]));
    }
    if call.batch() > 1 && call.q_len() != call.kv_cap {
        return Err(Unsupported);
    }
    let shape = [
        call.batch(),
        call.q_len(),
        call.kv_heads() * call.head_dim(),
    ];
    let [k, v] = both.map(|tensor| dense(tensor, element, shape));
    Ok((Keys::New, [k?, v?]))
}

/// The mask, in f32 as the operator's sums are only in f32: one for all batches or heads where its stride says so.
fn bias(mask: &Tensor<4>, element: Element) -> Result<Operand, Unsupported> {
    let mut one_for_all = *mask;
    for axis in [0, 1] {
        if mask.strides[axis] == 0 {
            one_for_all.shape[axis] = 1;
        }
    }
    dense(&one_for_all, element, one_for_all.shape)
}

/// Bytes of scratch: lengths as the operator wants them, and the caches that it makes.
pub fn scratch(call: &GqaCall) -> usize {
    Plan::of(call).map_or(0, |plan| plan.scratch(call))
}

/// Does the call. A caller in C++ has his lengths as the operator wants them; here they are written to the scratch.
///
/// # Errors
/// [`Unsupported`] for paging; for bf16 and mixed types; for q, out or mask with gaps, and keys in neither of the two
/// forms; for a query before the first key; for more than one query that is not causal; for a scale of 0.
///
/// # Safety
/// The memory that the call's tensors name may be read, and out and the scratch written.
pub unsafe fn run(call: &GqaCall) -> Result<(), Unsupported> {
    let runtime = runtime::get().ok_or(Unsupported)?;
    let plan = Plan::of(call)?;
    if call.out.is_empty() {
        return Ok(());
    }
    let scratch = call.head.scratch.cast::<u8>();
    let lengths = Operand {
        data: scratch,
        element: Element::I32,
        shape: [call.batch()].into(),
    };
    let longest = Operand {
        data: scratch.wrapping_add(call.batch() * Element::I32.size()),
        shape: [1].into(),
        ..lengths
    };
    // SAFETY: the scratch has room for a number of each batch and one more.
    unsafe { write_lengths(call, plan.keys, scratch.cast())? };
    let keys = [plan.k, plan.v];
    let mut operands = vec![plan.q];
    if plan.keys == Keys::Cached {
        let none = Operand {
            shape: [call.batch(), 0, call.kv_heads() * call.head_dim()].into(),
            ..plan.k
        };
        operands.extend([none, none]);
    }
    operands.extend(keys);
    operands.extend([lengths, longest]);
    operands.extend(plan.mask);
    operands.push(plan.out);
    match plan.keys {
        // Nothing is appended, so nothing is written there.
        Keys::Cached => operands.extend(keys),
        Keys::New => {
            let made = |index| Operand {
                data: scratch.wrapping_add(Plan::lengths(call) + index * plan.cache()),
                shape: [call.batch(), call.kv_heads(), call.q_len(), call.head_dim()].into(),
                ..plan.k
            };
            operands.extend([made(0), made(1)]);
        }
    }
    let form = Attention {
        element: plan.q.element,
        q_heads: call.q_heads(),
        kv_heads: call.kv_heads(),
        scale: call.scale,
        softcap: call.softcap,
        window: call.window,
        masked: plan.mask.is_some(),
        keys: plan.keys,
    };
    let session = SESSIONS.of(runtime, form)?;
    // SAFETY: the caller's condition; the operands are those of the node.
    unsafe { session.run(&operands) }?;
    Ok(())
}

/// Writes each batch's length less 1, then the largest length.
///
/// # Errors
/// [`Unsupported`] for a query before the first key, a length beyond 32 bits, and new keys without a query.
///
/// # Safety
/// The memory of `kv_len` may be read, and room for one number more than there are batches written.
unsafe fn write_lengths(call: &GqaCall, keys: Keys, to: *mut i32) -> Result<(), Unsupported> {
    // The operator's mask ends where the longest batch does, the contract's with the cache.
    let mut longest = match (&call.mask, keys) {
        (Some(_), Keys::Cached) => i32::try_from(call.kv_cap).map_err(|_| Unsupported)?,
        _ => 0,
    };
    for batch in 0..call.batch() {
        // SAFETY: a batch of the call.
        let length = unsafe { call.kv_len(batch) };
        if length < call.q_len() || keys == Keys::New && length != call.q_len() {
            return Err(Unsupported);
        }
        let length = i32::try_from(length).map_err(|_| Unsupported)?;
        longest = longest.max(length);
        // SAFETY: there is room.
        unsafe { to.add(batch).write(length - 1) };
    }
    // SAFETY: there is room.
    unsafe { to.add(call.batch()).write(longest) };
    Ok(())
}
