//! The version of the kernels: `0.1.0+<hash>`, where the hash covers everything that decides their machine
//! code (sources, locked dependencies, compiler, target, profile) and nothing that says where or when they
//! were built. Runs of different machines merge when it agrees.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

fn main() {
    let workspace = Path::new(&var("CARGO_MANIFEST_DIR")).join("../..");
    let mut sources = ["Cargo.lock", "Cargo.toml"].map(PathBuf::from).to_vec();
    for package in ["crates/abi", "crates/kernels"] {
        sources.push(Path::new(package).join("Cargo.toml"));
        find_rust(&workspace, &Path::new(package).join("src"), &mut sources);
    }
    sources.sort();

    let mut hash = Sha256::new();
    let mut add = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    for source in &sources {
        println!(
            "cargo::rerun-if-changed={}",
            workspace.join(source).display()
        );
        let name: Vec<_> = source.iter().map(OsStr::to_string_lossy).collect();
        add(name.join("/").as_bytes());
        add(&read(&workspace.join(source)));
    }
    add(&rustc_version());
    for setting in ["TARGET", "PROFILE", "OPT_LEVEL", "CARGO_CFG_TARGET_FEATURE"] {
        add(var(setting).as_bytes());
    }
    let digest: String = hash.finalize()[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    println!(
        "cargo::rustc-env=TIERWISE_KERNELS_VERSION={}+{digest}",
        var("CARGO_PKG_VERSION")
    );
}

/// Adds the Rust files below `folder`, and the folders themselves, so that a new file is noticed.
fn find_rust(workspace: &Path, folder: &Path, found: &mut Vec<PathBuf>) {
    println!(
        "cargo::rerun-if-changed={}",
        workspace.join(folder).display()
    );
    let entries = fs::read_dir(workspace.join(folder))
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries.map(|entry| entry.expect("a readable folder")) {
        let path = folder.join(entry.file_name());
        if entry.path().is_dir() {
            find_rust(workspace, &path, found);
        } else if path.extension() == Some(OsStr::new("rs")) {
            found.push(path);
        }
    }
}

fn rustc_version() -> Vec<u8> {
    let output = Command::new(var("RUSTC")).arg("-V").output();
    output.expect("rustc says its version").stdout
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn var(name: &str) -> String {
    env::var(name).unwrap_or_else(|error| panic!("{name}: {error}"))
}
