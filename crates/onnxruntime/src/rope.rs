//! `rope` by the contrib operator RotaryEmbedding, which wants tables.

use tierwise_abi::rope::{Angles, Pairing, RopeCall};

use crate::layout::{Layout, dense};
use crate::model::{Attribute, Element, Input, MICROSOFT, Node};
use crate::operand::Operand;
use crate::runtime;
use crate::session::{Form, Sessions};
use crate::table::Unsupported;

static SESSIONS: Sessions<Rotary> = Sessions::new();

/// What a session is made for.
#[derive(Clone, Copy, PartialEq)]
struct Rotary {
    pairing: Pairing,
    /// Elements of a head that are turned, and heads, where that is not all of it.
    partial: Option<(usize, usize)>,
}

impl Form for Rotary {
    fn node(&self) -> Node {
        let interleaved = i64::from(self.pairing == Pairing::Interleaved);
        let mut attributes = vec![("interleaved", Attribute::Int(interleaved))];
        if let Some((rotary_dim, heads)) = self.partial {
            attributes.push(("rotary_embedding_dim", Attribute::Int(rotary_dim as i64)));
            attributes.push(("num_heads", Attribute::Int(heads as i64)));
        }
        let table = Input::Given(Element::F32);
        Node {
            operator: "RotaryEmbedding",
            domain: MICROSOFT,
            attributes,
            inputs: vec![table, Input::Given(Element::I64), table, table],
            outputs: vec![Some(Element::F32)],
        }
    }
}

/// Bytes of scratch: the positions as int64.
pub fn scratch(call: &RopeCall) -> usize {
    call.x.shape[0] * call.x.shape[1] * Element::I64.size()
}

/// Does the call. A caller in C++ has his positions in int64; here they are widened into the scratch.
///
/// # Errors
/// [`Unsupported`] for computed angles; for f16, since the operator's tables have x's type, and bf16; for
/// gaps, and y in another layout than x, or in x's place.
///
/// # Safety
/// The memory that the call's tensors name may be read, and y and the scratch written.
pub unsafe fn run(call: &RopeCall) -> Result<(), Unsupported> {
    let runtime = runtime::get().ok_or(Unsupported)?;
    let Angles::Tables { cos, sin } = &call.angles else {
        return Err(Unsupported);
    };
    let [batch, tokens, heads, head_dim] = call.x.shape;
    let layout = Layout::of(&call.x).ok_or(Unsupported)?;
    let (x, y) = (
        layout.operand(&call.x, Element::F32)?,
        layout.operand(&call.y, Element::F32)?,
    );
    let cos = dense(cos, Element::F32, cos.shape)?;
    let sin = dense(sin, Element::F32, sin.shape)?;
    if call.rotary_dim == 0 || call.x.base == call.y.base {
        return Err(Unsupported);
    }
    if call.x.is_empty() {
        return Ok(());
    }
    let positions = Operand {
        data: call.head.scratch.cast(),
        element: Element::I64,
        shape: [batch, tokens].into(),
    };
    for token in 0..batch * tokens {
        // SAFETY: the element is there, and the scratch has room for all of them.
        unsafe {
            let position = call.position(token / tokens, token % tokens);
            let at = positions.data.cast::<i64>().add(token);
            at.write(position.into());
        }
    }
    let partial = (call.rotary_dim < head_dim).then_some((call.rotary_dim, heads));
    let form = Rotary {
        pairing: call.pairing,
        partial,
    };
    let session = SESSIONS.of(runtime, form)?;
    // SAFETY: the caller's condition; the operands are those of the node.
    unsafe { session.run(&[x, positions, cos, sin, y]) }?;
    Ok(())
}
