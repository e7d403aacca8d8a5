//! `disk-fill`: the figures of `df` are the ones asked for, and afterwards the ones before.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use rustix::fs::StatVfs;

use super::actor::actor;
use super::injection::{Injection, refused};
use super::target::Target;
use crate::support::{Sandbox, skip, skip_unless_root};

const MIB: u64 = 1 << 20;

/// Mounts that only this thread sees, and what it starts. They go with the thread.
fn own_mounts() {
    unshare(CloneFlags::CLONE_NEWNS).expect("root may have mounts of its own");
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, "/", None::<&str>, private, None::<&str>).expect("and keep them");
}

fn in_memory(path: &Path, megabytes: u64) {
    fs::create_dir_all(path).expect("a folder can be made");
    let options = format!("size={megabytes}m");
    mount(Some("tmpfs"), path, Some("tmpfs"), MsFlags::empty(), Some(options.as_str()))
        .expect("root may mount");
}

/// An ext4 of 64 MiB, of which 5 % is the superuser's. Mounted as long as this thread lives.
struct Disk {
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Disk {
    fn mount() -> Option<Self> {
        own_mounts();
        let folder = tempfile::tempdir().expect("a folder can be made");
        let (image, path) = (folder.path().join("image"), folder.path().join("disk"));
        File::create(&image).and_then(|file| file.set_len(64 * MIB)).expect("there is room");
        fs::create_dir(&path).expect("a folder can be made");
        let done = |command: &mut Command| command.output().is_ok_and(|it| it.status.success());
        let made = done(Command::new("mkfs.ext4").args(["-q", "-m", "5"]).arg(&image));
        if !(made && done(Command::new("mount").args(["-o", "loop"]).args([&image, &path]))) {
            skip("needs mkfs.ext4 and a loop device");
            return None;
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).expect("it is ours");
        Some(Self { path, _folder: folder })
    }

    fn room(&self) -> StatVfs {
        room(&self.path)
    }

    /// What `inject disk-fill` is told.
    fn fill<'a>(&self, target: &'a Target, amount: &'a str) -> Vec<String> {
        let path = format!("path={}", self.path.display());
        ["disk-fill", "--pid", target.arg(), &path, amount].map(str::to_owned).to_vec()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Else its image is held until the thread has ended.
        let _ = Command::new("umount").arg("-l").arg(&self.path).output();
    }
}

fn room(path: &Path) -> StatVfs {
    rustix::fs::statvfs(path).expect("it is there")
}

fn available(room: &StatVfs) -> u64 {
    room.f_bavail * room.f_frsize
}

fn words(args: &[String]) -> Vec<&str> {
    args.iter().map(String::as_str).collect()
}

/// What `df` says: used, and the share that it rounds up.
fn df(path: &Path) -> (u64, u64) {
    let output = Command::new("df").args(["-B1", "--output=used,pcent"]).arg(path).output();
    let text = String::from_utf8(output.expect("df is installed").stdout).expect("text");
    let figures = text.lines().last().expect("two lines").replace('%', "");
    let figures: Vec<u64> =
        figures.split_whitespace().map(|figure| figure.parse().expect("a number")).collect();
    (figures[0], figures[1])
}

/// A file's own map takes some blocks more.
const BLOCKS: u64 = 8 * 4096;

#[test]
fn a_size_is_taken_and_given_back() {
    if skip_unless_root() {
        return;
    }
    let Some(disk) = Disk::mount() else { return };
    let target = Target::sleeper();
    let (before, listed) = (disk.room(), names(&disk.path));
    let fill = Injection::start(&words(&disk.fill(&target, "size=20MiB")));
    let taken = available(&before) - available(&disk.room());
    assert!((20 * MIB..20 * MIB + BLOCKS).contains(&taken), "{taken}");
    assert_eq!(names(&disk.path), listed, "no file shows");
    let proofs = fill.stop().proofs();
    assert!(proofs[0].starts_with("20MiB held, "), "{proofs:?}");
    same(&before, &disk.room());
}

#[test]
fn a_share_is_that_of_df() {
    if skip_unless_root() {
        return;
    }
    let Some(disk) = Disk::mount() else { return };
    let target = Target::sleeper();
    let before = disk.room();
    let fill = Injection::start(&words(&disk.fill(&target, "percent=80%")));
    let (used, share) = df(&disk.path);
    let room = disk.room();
    // df counts shares of what ordinary users may have, and rounds up.
    let total = used + available(&room);
    let wanted = total / 100 * 80;
    assert!(used.abs_diff(wanted) < BLOCKS + 100, "{used} of {total}, {share}%");
    assert!((80..=81).contains(&share), "{share}%");
    fill.stop().proofs();
    same(&before, &disk.room());
}

#[test]
fn what_is_left_is_for_ordinary_users_and_the_reserve_stays() {
    if skip_unless_root() {
        return;
    }
    let Some(disk) = Disk::mount() else { return };
    let target = Target::sleeper();
    let before = disk.room();
    let reserve = before.f_bfree - before.f_bavail;
    assert!(reserve > 0, "the superuser has a reserve");
    let fill = Injection::start(&words(&disk.fill(&target, "leave-free=1MiB")));
    let room = disk.room();
    assert!(available(&room).abs_diff(MIB) < BLOCKS, "{}", available(&room));
    assert_eq!(room.f_bfree - room.f_bavail, reserve);
    let file = disk.path.join("more");
    let write = |size: &str| {
        let mut command = Command::new("head");
        command.args(["-c", size, "/dev/zero"]).stdout(File::create(&file).expect("there is room"));
        command.uid(65_534).output().expect("head is installed")
    };
    fs::set_permissions(&disk.path, fs::Permissions::from_mode(0o777)).expect("it is ours");
    assert!(write("500K").status.success());
    let beyond = write("3M");
    assert!(String::from_utf8_lossy(&beyond.stderr).contains("No space left"), "{beyond:?}");
    fs::remove_file(&file).expect("it is ours");
    fill.stop().proofs();
    same(&before, &disk.room());
}

fn names(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).expect("it is there").map(|entry| entry.expect("it").path()).collect()
}

#[track_caller]
fn same(before: &StatVfs, after: &StatVfs) {
    let figures = |room: &StatVfs| (room.f_bfree, room.f_bavail, room.f_ffree);
    assert_eq!(figures(before), figures(after));
}

#[test]
fn what_does_not_fit_is_refused() {
    if skip_unless_root() {
        return;
    }
    let Some(disk) = Disk::mount() else { return };
    let target = Target::sleeper();
    let before = disk.room();
    for (amount, why) in [
        ("size=1GiB", "is more than the "),
        ("percent=1%", "already that full"),
        ("leave-free=1GiB", "already that full"),
    ] {
        fs::write(disk.path.join("used"), vec![1; 2 << 20]).expect("there is room");
        let mut args = disk.fill(&target, amount);
        args.extend(["--for", "1s"].map(str::to_owned));
        let said = refused(&words(&args));
        assert!(said.contains(why), "{amount}: {said}");
        fs::remove_file(disk.path.join("used")).expect("it is ours");
    }
    same(&before, &disk.room());
}

#[test]
fn what_is_no_disk_or_too_dear_is_refused() {
    let target = Target::sleeper();
    let sandbox = Sandbox::new();
    let state = sandbox.path("").display().to_string();
    for (path, why) in [
        ("/", "root-fs"),
        (state.as_str(), "-fs"),
        ("/proc", "proc"),
        ("/sys", "sysfs"),
        ("/dev/shm", "memory-fs"),
    ] {
        let path = format!("path={path}");
        let said =
            refused(&["disk-fill", "--pid", target.arg(), &path, "size=1MiB", "--for", "1s"]);
        assert!(said.contains(why), "{path}: {said}");
    }
}

/// The file system of the journal is refused though it is neither the root's nor in memory.
#[test]
fn the_disk_of_the_journal_is_refused() {
    if skip_unless_root() {
        return;
    }
    let Some(disk) = Disk::mount() else { return };
    let target = Target::sleeper();
    let state = disk.path.join("state");
    let mut args = disk.fill(&target, "size=1MiB");
    args.extend(["--for", "1s"].map(str::to_owned));
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(["inject"]);
    let output = command.args(args).env("SHAKEDOWN_STATE_DIR", state).output().expect("it starts");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("journal-fs"), "{said}");
}

#[test]
fn a_file_system_in_memory_can_be_allowed() {
    if skip_unless_root() {
        return;
    }
    let (sandbox, target) = (Sandbox::new(), Target::sleeper());
    let disk = sandbox.memory_disk("32m");
    let path = PathBuf::from(disk.path().to_string());
    let (before, argument) = (room(&path), format!("path={}", disk.path()));
    let args = ["disk-fill", "--pid", target.arg(), &argument, "leave-free=2MiB"];
    let fill = Injection::start(&[&args[..], &["--allow", "memory-fs"]].concat());
    assert_eq!(available(&room(&path)), 2 * MIB);
    fill.stop().proofs();
    same(&before, &room(&path));
}

/// As in a container: another root, and in it a link to a path that is absolute, and that the host
/// has as well. What it leads to is the target's, never the host's.
#[test]
fn an_absolute_link_stays_in_the_targets_root() {
    if skip_unless_root() {
        return;
    }
    let sandbox = Sandbox::new();
    let disk = sandbox.memory_disk("32m");
    let host = PathBuf::from(disk.path().to_string());
    let root = sandbox.path("root");
    let inner = root.join(host.strip_prefix("/").expect("it is absolute"));
    let (role, link) = (format!("root {}", root.display()), root.join("data"));
    let (inside, target_of_link) = (inner.clone(), host.clone());
    fs::create_dir_all(&root).expect("a folder can be made");
    let target = thread::spawn(move || {
        own_mounts();
        in_memory(&root, 16);
        in_memory(&inside, 32);
        std::os::unix::fs::symlink(target_of_link, link).expect("a link can be made");
        Target::acting(&mut actor(&role))
    });
    let target = target.join().expect("the target starts");
    let seen = PathBuf::from(format!("/proc/{}/root/{}", target.pid(), host.display()));
    let (before, outside) = (room(&seen), room(&host));
    let args = ["disk-fill", "--pid", target.arg(), "path=/data", "size=8MiB"];
    // The plan does not follow links: to it, the link itself is on the root of the container.
    let fill = Injection::start(&[&args[..], &["--allow", "memory-fs,root-fs"]].concat());
    assert_eq!(available(&before) - available(&room(&seen)), 8 * MIB);
    same(&outside, &room(&host));
    fill.stop().proofs();
    same(&before, &room(&seen));
    same(&outside, &room(&host));
}
