//! A file system in memory, for tests that fill one.

use std::path::PathBuf;

use nix::mount::{MntFlags, MsFlags, mount, umount2};

use super::Sandbox;

/// A file system in memory; unmounted when dropped. Needs root.
pub(crate) struct MemoryDisk {
    path: PathBuf,
}

impl Sandbox {
    /// Mounts a file system of this size, such as `32m`, in the sandbox.
    pub(crate) fn memory_disk(&self, size: &str) -> MemoryDisk {
        let path = self.path("disk");
        std::fs::create_dir(&path).expect("the sandbox can be written");
        let options = format!("size={size},mode=0700");
        mount(Some("tmpfs"), &path, Some("tmpfs"), MsFlags::empty(), Some(options.as_str()))
            .expect("root may mount");
        MemoryDisk { path }
    }
}

impl MemoryDisk {
    /// Where it is mounted.
    pub(crate) fn path(&self) -> std::path::Display<'_> {
        self.path.display()
    }
}

impl Drop for MemoryDisk {
    fn drop(&mut self) {
        let _ = umount2(&self.path, MntFlags::MNT_DETACH);
    }
}
