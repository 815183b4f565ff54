//! A model of one node, in the bytes of ONNX's protobuf.
//!
//! Field numbers are those of onnx.proto (ONNX IR version 8); the encoding is protobuf's: a key of
//! `field << 3 | wire type`, then a varint (0), four bytes (5) or a length and so many bytes (2).

use std::ffi::CString;

use tierwise_abi::tensor::Dtype;

/// Element types by their numbers in TensorProto.DataType, which the C API shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    F32 = 1,
    I32 = 6,
    I64 = 7,
    F16 = 10,
}

impl Element {
    /// The element of a storage type; `None` for one that no operator here takes.
    pub fn of(dtype: Dtype) -> Option<Self> {
        match dtype {
            Dtype::F32 => Some(Self::F32),
            Dtype::F16 => Some(Self::F16),
            Dtype::I32 => Some(Self::I32),
            Dtype::Bf16 => None,
        }
    }

    /// Bytes of one element.
    pub fn size(self) -> usize {
        match self {
            Self::F16 => 2,
            Self::F32 | Self::I32 => 4,
            Self::I64 => 8,
        }
    }
}

/// What stands at an input of the node.
#[derive(Clone, Copy, Debug)]
pub enum Input {
    /// A tensor of the caller.
    Given(Element),
    /// A vector of so many ones, part of the model.
    Ones(Element, usize),
    /// Left out, before one that is not.
    Absent,
}

/// An attribute's value.
#[derive(Clone, Copy, Debug)]
pub enum Attribute {
    Int(i64),
    Float(f32),
}

/// A node: an operator with its attributes, the types of its inputs and of its outputs (`None`: left out).
#[derive(Clone, Debug)]
pub struct Node {
    pub operator: &'static str,
    /// Empty: ONNX's own.
    pub domain: &'static str,
    pub attributes: Vec<(&'static str, Attribute)>,
    pub inputs: Vec<Input>,
    pub outputs: Vec<Option<Element>>,
}

/// ONNX Runtime's own operators.
pub const MICROSOFT: &str = "com.microsoft";

/// Name of input `index` of a model; outputs have other names.
pub fn input_name(index: usize) -> CString {
    name('i', index)
}

/// Name of output `index` of a model.
pub fn output_name(index: usize) -> CString {
    name('o', index)
}

fn name(prefix: char, index: usize) -> CString {
    CString::new(format!("{prefix}{index}")).unwrap_or_default()
}

impl Node {
    /// A ModelProto that holds this node alone. Shapes are left open.
    pub fn model(&self) -> Vec<u8> {
        let mut model = Message::default();
        model.varint(1, 8); // ir_version
        model.message(7, self.graph());
        for (domain, version) in [("", 17), (MICROSOFT, 1)] {
            let mut opset = Message::default();
            opset.text(1, domain);
            opset.varint(2, version);
            model.message(8, opset);
        }
        model.0
    }

    fn graph(&self) -> Message {
        let mut node = Message::default();
        let mut graph = Message::default();
        for (index, input) in self.inputs.iter().enumerate() {
            let name = input_name(index);
            let absent = matches!(input, Input::Absent);
            let name = if absent { b"" } else { name.to_bytes() };
            node.bytes(1, name);
            match *input {
                Input::Given(element) => graph.message(11, value_info(name, element)),
                Input::Ones(element, count) => graph.message(5, ones(name, element, count)),
                Input::Absent => (),
            }
        }
        for (index, output) in self.outputs.iter().enumerate() {
            let name = output_name(index);
            let name = name.to_bytes();
            node.bytes(2, if output.is_none() { b"" } else { name });
            if let Some(element) = *output {
                graph.message(12, value_info(name, element));
            }
        }
        node.text(4, self.operator);
        for &(name, value) in &self.attributes {
            let mut attribute = Message::default();
            attribute.text(1, name);
            match value {
                Attribute::Float(value) => {
                    attribute.float(2, value);
                    attribute.varint(20, 1); // AttributeType FLOAT
                }
                Attribute::Int(value) => {
                    attribute.varint(3, value as u64);
                    attribute.varint(20, 2); // AttributeType INT
                }
            }
            node.message(5, attribute);
        }
        node.text(7, self.domain);
        graph.message(1, node);
        graph.text(2, "g");
        graph
    }
}

/// ValueInfoProto: a name and an element type, any shape.
fn value_info(name: &[u8], element: Element) -> Message {
    let (mut info, mut kind, mut tensor) =
        (Message::default(), Message::default(), Message::default());
    tensor.varint(1, element as u64);
    kind.message(1, tensor);
    info.bytes(1, name);
    info.message(2, kind);
    info
}

/// TensorProto: a vector of ones.
fn ones(name: &[u8], element: Element, count: usize) -> Message {
    let one: &[u8] = match element {
        Element::F32 => &1f32.to_le_bytes(),
        Element::F16 => &0x3c00u16.to_le_bytes(),
        Element::I32 => &1i32.to_le_bytes(),
        Element::I64 => &1i64.to_le_bytes(),
    };
    let mut tensor = Message::default();
    tensor.varint(1, count as u64);
    tensor.varint(2, element as u64);
    tensor.bytes(8, name);
    tensor.bytes(9, &one.repeat(count));
    tensor
}

/// A protobuf message as far as it is written.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, field: u64, value: u64) {
        self.raw_varint(field << 3);
        self.raw_varint(value);
    }

    fn float(&mut self, field: u64, value: f32) {
        self.raw_varint(field << 3 | 5);
        self.0.extend(value.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, value: &[u8]) {
        self.raw_varint(field << 3 | 2);
        self.raw_varint(value.len() as u64);
        self.0.extend(value);
    }

    fn text(&mut self, field: u64, value: &str) {
        self.bytes(field, value.as_bytes());
    }

    fn message(&mut self, field: u64, value: Message) {
        self.bytes(field, &value.0);
    }

    fn raw_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}
