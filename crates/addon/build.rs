//! Links against Node-API.

fn main() {
    napi_build::setup();
}
