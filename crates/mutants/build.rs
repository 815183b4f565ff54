//! Makes the table of kernels from manifest.json: one row for each of its entries that this CPU
//! architecture can compile.

use std::path::Path;
use std::{env, fs};

use serde::Deserialize;

#[derive(Deserialize)]
struct Manifest {
    kernels: Vec<Entry>,
}

/// What the table needs of an entry; the rest is for whoever judges the harness by it.
#[derive(Deserialize)]
struct Entry {
    op: String,
    name: String,
    tier: String,
    /// The type of the op's module that it is.
    variant: String,
    /// How it finds out whether the CPU can run it, when not as all kernels of its tier do.
    available: Option<String>,
}

fn main() {
    println!("cargo::rerun-if-changed=manifest.json");
    let text = fs::read_to_string("manifest.json").expect("manifest.json is readable");
    let manifest: Manifest = serde_json::from_str(&text).expect("manifest.json is a manifest");
    let x86 = env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "x86_64");
    let rows = manifest
        .kernels
        .iter()
        .filter(|entry| x86 || entry.tier == "scalar");
    let rows = rows.map(
        |Entry {
             op,
             name,
             tier,
             variant,
             available,
         }| {
            let available = available.as_ref().unwrap_or(tier);
            format!("    {op} {name:?} {tier} {variant} {available};\n")
        },
    );
    let table = format!("kernels! {{\n{}}}\n", rows.collect::<String>());
    let folder = env::var("OUT_DIR").expect("cargo says where to");
    fs::write(Path::new(&folder).join("kernels.rs"), table).expect("OUT_DIR is writable");
}
