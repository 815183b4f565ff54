//! The variants as a caller meets them: through the table, on memory of their own.

mod case;
mod correct;
mod refusals;

const CORRECT: &[&str] = &[
    "two-pass",
    "reversed",
    "key-by-key",
    "blocks-of-64",
    "merged-spans",
    "in-f64",
];
