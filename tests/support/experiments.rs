//! The files in `experiments/`, on ports of their own.

use std::fs;
use std::path::{Path, PathBuf};

use super::ports;

/// The folder itself.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments")
}

/// A file by its name, without `.yaml`.
pub(crate) fn path(name: &str) -> PathBuf {
    folder().join(format!("{name}.yaml"))
}

/// All files, by name.
pub(crate) fn all() -> Vec<PathBuf> {
    let entries = fs::read_dir(folder()).expect("it can be read");
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("it can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    files
}

/// A file's text as plain data.
pub(crate) fn data(file: &Path) -> serde_json::Value {
    let text = fs::read_to_string(file).expect("it can be read");
    serde_yaml::from_str(&text).expect("it is YAML")
}

/// `--var` for every variable of a file that is a port or a local address, each moved to a port
/// of its own, so that experiments can run side by side.
pub(crate) fn moved(file: &Path) -> Vec<String> {
    let variables = data(file)["variables"].clone();
    let moved = variables.as_object().into_iter().flatten().filter_map(|(name, variable)| {
        let default = &variable["default"];
        let value = if default.is_u64() {
            ports::free().to_string()
        } else if default.as_str().is_some_and(|text| text.starts_with("127.0.0.1:")) {
            ports::address()
        } else {
            return None;
        };
        Some([String::from("--var"), format!("{name}={value}")])
    });
    moved.flatten().collect()
}
