//! The variants as a caller meets them: through the table, on memory of their own.

mod broken;
mod case;
mod correct;
mod refusals;
