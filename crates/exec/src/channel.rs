//! Messages over a stream: four bytes of length, little-endian, then as many bytes of JSON.

use std::io::{self, Read, Write};

/// A longer message is taken for damage.
const MOST: usize = 64 << 20;

/// Writes one message.
pub fn send(stream: &mut impl Write, message: &[u8]) -> io::Result<()> {
    let mut frame = Vec::with_capacity(message.len() + 4);
    frame.extend(
        u32::try_from(message.len())
            .map_err(io::Error::other)?
            .to_le_bytes(),
    );
    frame.extend(message);
    stream.write_all(&frame)
}

/// Reads one message into `buffer`; `false` at the end of the stream.
pub fn receive(stream: &mut impl Read, buffer: &mut Vec<u8>) -> io::Result<bool> {
    let mut head = [0; 4];
    match stream.read_exact(&mut head) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
        other => other?,
    }
    let length = u32::from_le_bytes(head) as usize;
    if length > MOST {
        return Err(io::Error::other(format!("a message of {length} bytes")));
    }
    buffer.resize(length, 0);
    stream.read_exact(buffer)?;
    Ok(true)
}
