//! Sessions: a node made ready once, then run on the caller's memory.

use std::ffi::{CString, c_void};
use std::ptr;
use std::sync::{Arc, Mutex, PoisonError};

use ort_sys::{ONNXTensorElementDataType as ElementType, OrtIoBinding, OrtSession};

use crate::model::{self, Element, Input, Node};
use crate::operand::Operand;
use crate::runtime::{OrtError, Runtime, check};

/// What decides which session runs a call. Compared at every call, so it is small.
pub trait Form: Copy + PartialEq {
    /// The node that it stands for.
    fn node(&self) -> Node;
}

/// The sessions of one operator, the one used last in front.
pub struct Sessions<F>(Mutex<Vec<(F, Arc<Session>)>>);

/// So many sessions of an operator are kept.
const KEPT: usize = 32;

impl<F: Form> Sessions<F> {
    /// None yet.
    pub const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// The session of a form: found, or made.
    ///
    /// # Errors
    /// ONNX Runtime's, when it can't make the node.
    pub fn of(&self, runtime: &'static Runtime, form: F) -> Result<Arc<Session>, OrtError> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match known.iter().position(|(of, _)| *of == form) {
            Some(index) => known[..=index].rotate_right(1),
            None => {
                let session = Session::new(runtime, &form.node())?;
                known.truncate(KEPT - 1);
                known.insert(0, (form, Arc::new(session)));
            }
        }
        Ok(known[0].1.clone())
    }
}

/// A node, ready to run. Runs on several threads at once.
pub struct Session {
    runtime: &'static Runtime,
    raw: *mut OrtSession,
    /// Inputs, then outputs.
    names: Vec<Name>,
    /// Bindings that no call is using.
    idle: Mutex<Vec<Binding>>,
}

/// A place of the node that takes an operand, and on which side.
enum Name {
    Input(CString),
    Output(CString),
}

// SAFETY: ONNX Runtime's sessions may be run by several threads at once; all else is behind a lock.
unsafe impl Send for Session {}
// SAFETY: as above.
unsafe impl Sync for Session {}

impl Session {
    fn new(runtime: &'static Runtime, node: &Node) -> Result<Self, OrtError> {
        let given = node
            .inputs
            .iter()
            .enumerate()
            .filter(|(_, input)| matches!(input, Input::Given(_)));
        let written = node
            .outputs
            .iter()
            .enumerate()
            .filter(|(_, output)| output.is_some());
        let names = given
            .map(|(index, _)| Name::Input(model::input_name(index)))
            .chain(written.map(|(index, _)| Name::Output(model::output_name(index))))
            .collect();
        let model = node.model();
        let mut raw = ptr::null_mut();
        let Runtime {
            api, env, options, ..
        } = *runtime;
        // SAFETY: the runtime's objects are whole, and the bytes are read before the function returns.
        unsafe {
            let bytes = model.as_ptr().cast::<c_void>();
            check(
                api,
                (api.CreateSessionFromArray)(env, bytes, model.len(), options, &mut raw),
            )?;
        }
        Ok(Self {
            runtime,
            raw,
            names,
            idle: Mutex::default(),
        })
    }

    /// Runs the node: on the inputs that are given, in their order, then the outputs that are written.
    ///
    /// # Errors
    /// ONNX Runtime's, when it refuses the call.
    ///
    /// # Safety
    /// The operands' memory may be read, that of outputs written, and there are as many as the node has.
    pub unsafe fn run(&self, operands: &[Operand]) -> Result<(), OrtError> {
        debug_assert_eq!(operands.len(), self.names.len());
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let reused = idle().pop();
        let mut binding = match reused {
            Some(binding) => binding,
            None => Binding::new(self)?,
        };
        // SAFETY: the caller's condition.
        let ran = unsafe { binding.run(self, operands) };
        idle().push(binding);
        ran
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: made by this runtime; its bindings hold no reference to it that is used again.
        unsafe { (self.runtime.api.ReleaseSession)(self.raw) }
    }
}

/// Operands bound to a session's names. Bound anew only where one differs from the call before, as a caller
/// who keeps his buffers would. Between calls it is compared with, not read.
struct Binding {
    runtime: &'static Runtime,
    raw: *mut OrtIoBinding,
    bound: Vec<Operand>,
}

// SAFETY: used by one thread at a time, and bound to none.
unsafe impl Send for Binding {}

impl Binding {
    fn new(session: &Session) -> Result<Self, OrtError> {
        let Session {
            runtime, raw: of, ..
        } = *session;
        let mut raw = ptr::null_mut();
        // SAFETY: the session is whole.
        unsafe { check(runtime.api, (runtime.api.CreateIoBinding)(of, &mut raw))? };
        Ok(Self {
            runtime,
            raw,
            bound: Vec::new(),
        })
    }

    /// # Safety
    /// As [`Session::run`]; `session` is the one that it was made for.
    unsafe fn run(&mut self, session: &Session, operands: &[Operand]) -> Result<(), OrtError> {
        if self.bound != operands {
            self.bound.clear();
            for (name, operand) in session.names.iter().zip(operands) {
                // SAFETY: the caller's condition.
                unsafe { self.bind(name, operand)? };
            }
            self.bound.extend(operands);
        }
        let api = self.runtime.api;
        // SAFETY: session and binding are whole, and everything bound is of this call.
        unsafe {
            check(
                api,
                (api.RunWithBinding)(session.raw, ptr::null(), self.raw),
            )
        }
    }

    /// # Safety
    /// As [`Session::run`].
    unsafe fn bind(&self, name: &Name, operand: &Operand) -> Result<(), OrtError> {
        let Runtime { api, memory, .. } = *self.runtime;
        let Operand {
            data,
            element,
            shape,
        } = *operand;
        let (sizes, bytes) = (shape.sizes(), shape.count() * element.size());
        let mut value = ptr::null_mut();
        // SAFETY: the operand names `bytes` bytes of the caller's; the binding takes its own hold of the value.
        unsafe {
            let (first, rank, kind) = (sizes.as_ptr(), sizes.len(), element_type(element));
            let made = (api.CreateTensorWithDataAsOrtValue)(
                memory,
                data.cast(),
                bytes,
                first,
                rank,
                kind,
                &mut value,
            );
            check(api, made)?;
            let bound = match name {
                Name::Input(name) => (api.BindInput)(self.raw, name.as_ptr(), value),
                Name::Output(name) => (api.BindOutput)(self.raw, name.as_ptr(), value),
            };
            (api.ReleaseValue)(value);
            check(api, bound)
        }
    }
}

impl Drop for Binding {
    fn drop(&mut self) {
        // SAFETY: made by this runtime.
        unsafe { (self.runtime.api.ReleaseIoBinding)(self.raw) }
    }
}

fn element_type(element: Element) -> ElementType {
    match element {
        Element::F32 => ElementType::ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT,
        Element::I32 => ElementType::ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32,
        Element::I64 => ElementType::ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64,
        Element::F16 => ElementType::ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16,
    }
}
