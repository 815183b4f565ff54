//! Every tier against plain scalar code that does the same operations, and that against float64.

mod bits;
mod functions;
mod oracle;
mod refusals;
mod special;
