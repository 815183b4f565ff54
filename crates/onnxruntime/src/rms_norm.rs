//! `rms_norm` by SimplifiedLayerNormalization, and by SkipSimplifiedLayerNormalization where there is a
//! residual.

use tierwise_abi::rms_norm::{RmsNormCall, Rounding};

use crate::layout::dense;
use crate::model::{Attribute, Element, Input, MICROSOFT, Node};
use crate::runtime;
use crate::session::{Form, Sessions};
use crate::table::Unsupported;

static SESSIONS: Sessions<Norm> = Sessions::new();

/// What a session is made for.
#[derive(Clone, Copy, PartialEq)]
struct Norm {
    element: Element,
    eps: f32,
    /// Elements of a row, where there is no weight: the operators want one, so the model holds ones.
    unweighted: Option<usize>,
    residual: Residual,
}

#[derive(Clone, Copy, PartialEq)]
enum Residual {
    None,
    Read,
    Written,
}

impl Form for Norm {
    fn node(&self) -> Node {
        let Self {
            element,
            eps,
            unweighted,
            residual,
        } = *self;
        let given = Input::Given(element);
        let weight = unweighted.map_or(given, |n| Input::Ones(element, n));
        let eps = ("epsilon", Attribute::Float(eps));
        match residual {
            Residual::None => Node {
                operator: "SimplifiedLayerNormalization",
                domain: "",
                attributes: vec![eps, ("axis", Attribute::Int(-1))],
                inputs: vec![given, weight],
                outputs: vec![Some(element)],
            },
            Residual::Read | Residual::Written => Node {
                operator: "SkipSimplifiedLayerNormalization",
                domain: MICROSOFT,
                attributes: vec![eps],
                inputs: vec![given, given, weight],
                outputs: match residual {
                    Residual::Written => vec![Some(element), None, None, Some(element)],
                    _ => vec![Some(element)],
                },
            },
        }
    }
}

/// Does the call. `eps` is rounded to f32, since the attribute is one.
///
/// # Errors
/// [`Unsupported`] for bf16, mixed types, gaps between rows or elements, a weight offset, and rounding before
/// the weight.
///
/// # Safety
/// The memory that the call's tensors name may be read, and its outputs written.
pub unsafe fn run(call: &RmsNormCall) -> Result<(), Unsupported> {
    let runtime = runtime::get().ok_or(Unsupported)?;
    let element = Element::of(call.x.dtype).ok_or(Unsupported)?;
    if call.weight_offset != 0.0 || call.rounding != Rounding::Once {
        return Err(Unsupported);
    }
    let shape = call.x.shape;
    let mut operands = Vec::with_capacity(5);
    operands.push(dense(&call.x, element, shape)?);
    if let Some(residual) = &call.residual {
        operands.push(dense(residual, element, shape)?);
    }
    if let Some(weight) = &call.weight {
        operands.push(dense(weight, element, weight.shape)?);
    }
    operands.push(dense(&call.y, element, shape)?);
    if let Some(residual_out) = &call.residual_out {
        operands.push(dense(residual_out, element, shape)?);
    }
    if call.x.is_empty() {
        return Ok(());
    }
    let form = Norm {
        element,
        eps: call.eps as f32,
        unweighted: call.weight.is_none().then_some(shape[1]),
        residual: match (&call.residual, &call.residual_out) {
            (None, _) => Residual::None,
            (Some(_), None) => Residual::Read,
            (Some(_), Some(_)) => Residual::Written,
        },
    };
    let session = SESSIONS.of(runtime, form)?;
    // SAFETY: the caller's condition; the operands are those of the node.
    unsafe { session.run(&operands) }?;
    Ok(())
}
