//! Exports the program's own `pthread_create` to the libraries that it loads.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-link-arg-bins=-Wl,--export-dynamic-symbol=pthread_create");
}
