//! Starting a program in its control group, network namespace and session from its first
//! instruction, with a pidfd and without a shell.

use std::ffi::{CString, OsStr};
use std::io::{self, Read};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::process::Process;

/// A program to start. Nothing is inherited but what is given here.
#[derive(Debug)]
pub struct Spawn<'a> {
    /// The program: a path, or a name that is looked up in `PATH` of `environment`.
    pub program: &'a OsStr,
    /// Its arguments, without the program's own name.
    pub arguments: Vec<&'a OsStr>,
    /// Its environment, whole.
    pub environment: Vec<(String, String)>,
    /// Its working directory.
    pub directory: &'a Path,
    /// Standard input, output and error.
    pub stdio: [BorrowedFd<'a>; 3],
    /// The control group of version 2 it is born in, as an open directory.
    pub cgroup: Option<BorrowedFd<'a>>,
    /// The network namespace it is born in.
    pub network: Option<BorrowedFd<'a>>,
    /// SIGKILL for it when this process ends (`PR_SET_PDEATHSIG`). This process must start it
    /// from a thread that never ends before it does.
    pub dies_with_us: bool,
}

/// Everything the child needs, allocated before it exists.
struct Prepared {
    program: CString,
    argv: Vec<*const libc::c_char>,
    envp: Vec<*const libc::c_char>,
    directory: CString,
    stdio: [RawFd; 3],
    network: Option<RawFd>,
    dies_with: Option<libc::pid_t>,
    open_files: Option<libc::rlimit>,
    failure: RawFd,
}

impl Spawn<'_> {
    /// Starts it in a session of its own; returns when the program itself runs.
    pub fn start(&self) -> Result<Process> {
        let program = self.resolve()?;
        let what = || format!("cannot start {}", program.display());
        let words = self.words(&program).with_context(what)?;
        let environment = self.environment().with_context(what)?;
        let (reader, writer) =
            nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).with_context(what)?;
        let prepared = Prepared {
            program: CString::new(program.as_os_str().as_bytes()).with_context(what)?,
            argv: pointers(&words),
            envp: pointers(&environment),
            directory: CString::new(self.directory.as_os_str().as_bytes()).with_context(what)?,
            stdio: self.stdio.map(|fd| fd.as_raw_fd()),
            network: self.network.map(|fd| fd.as_raw_fd()),
            dies_with: self.dies_with_us.then(|| nix::unistd::getpid().as_raw()),
            open_files: super::open_files::before(),
            failure: writer.as_raw_fd(),
        };
        let (pid, pidfd) = clone(&prepared, self.cgroup).with_context(what)?;
        drop(writer);
        match failure_of(reader).with_context(what)? {
            None => Process::of_child(pid, pidfd).with_context(what),
            Some((step, error)) => {
                let _ = nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(pid), None);
                Err(error).context(step).with_context(what)
            }
        }
    }

    fn resolve(&self) -> Result<PathBuf> {
        let program = Path::new(self.program);
        if self.program.as_bytes().contains(&b'/') {
            return Ok(program.to_owned());
        }
        let path =
            self.environment.iter().find(|(name, _)| name == "PATH").map_or("", |(_, path)| path);
        let found = std::env::split_paths(path)
            .map(|folder| folder.join(program))
            .find(|file| file.is_file());
        match found {
            Some(file) => Ok(file),
            None => bail!(
                "there is no program `{}` in PATH; install it or write its path",
                program.display()
            ),
        }
    }

    fn words(&self, program: &Path) -> Result<Vec<CString>> {
        let words = std::iter::once(program.as_os_str()).chain(self.arguments.iter().copied());
        words
            .map(|word| CString::new(word.as_bytes()).context("an argument holds a zero byte"))
            .collect()
    }

    fn environment(&self) -> Result<Vec<CString>> {
        let entry = |(name, value): &(String, String)| CString::new(format!("{name}={value}"));
        self.environment
            .iter()
            .map(entry)
            .collect::<Result<_, _>>()
            .context("a variable holds a zero byte")
    }
}

fn pointers(words: &[CString]) -> Vec<*const libc::c_char> {
    words.iter().map(|word| word.as_ptr()).chain(std::iter::once(std::ptr::null())).collect()
}

/// The step that failed in the child, and its error; none when the program runs.
fn failure_of(reader: OwnedFd) -> io::Result<Option<(&'static str, io::Error)>> {
    let mut report = [0_u8; 8];
    match std::fs::File::from(reader).read(&mut report)? {
        8 => {
            let [a, b, c, d, step, ..] = report;
            let step = STEPS.get(usize::from(step)).copied().unwrap_or_default();
            Ok(Some((step, io::Error::from_raw_os_error(i32::from_ne_bytes([a, b, c, d])))))
        }
        _ => Ok(None),
    }
}

/// `linux/sched.h`; the constant of `libc` does not fit its type.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

const STEPS: [&str; 6] = [
    "cannot start a session",
    "cannot tie it to this process",
    "cannot enter the network namespace",
    "cannot enter the working directory",
    "cannot set up its standard streams",
    "cannot execute it",
];

/// `clone3(2)` with `CLONE_PIDFD`, and `CLONE_INTO_CGROUP` where a group is given: moving into a
/// group later would wait for an RCU grace period of several milliseconds.
#[expect(unsafe_code, reason = "no crate offers clone3 with a control group")]
fn clone(
    prepared: &Prepared,
    cgroup: Option<BorrowedFd<'_>>,
) -> io::Result<(libc::pid_t, OwnedFd)> {
    let mut pidfd: RawFd = -1;
    let mut arguments = libc::clone_args {
        flags: libc::CLONE_PIDFD as u64,
        pidfd: std::ptr::from_mut(&mut pidfd) as u64,
        child_tid: 0,
        parent_tid: 0,
        exit_signal: libc::SIGCHLD as u64,
        stack: 0,
        stack_size: 0,
        tls: 0,
        set_tid: 0,
        set_tid_size: 0,
        cgroup: 0,
    };
    if let Some(cgroup) = cgroup {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = u64::from(cgroup.as_raw_fd().cast_unsigned());
    }
    // SAFETY: without CLONE_VM the child has its own copy of everything, and until it executes
    // it calls only async-signal-safe functions on memory prepared before.
    let pid = unsafe {
        libc::syscall(
            libc::SYS_clone3,
            &raw const arguments,
            std::mem::size_of::<libc::clone_args>(),
        )
    };
    match pid {
        -1 => {
            let error = io::Error::last_os_error();
            match (cgroup, error.raw_os_error()) {
                // Seccomp profiles of older container engines know no clone3.
                (_, Some(libc::ENOSYS)) => Err(io::Error::other(
                    "this kernel or container does not permit clone3 (Linux 5.7 or later is needed)",
                )),
                _ => Err(error),
            }
        }
        0 => become_program(prepared),
        pid => {
            let pid = libc::pid_t::try_from(pid).map_err(io::Error::other)?;
            // SAFETY: the kernel has just made this descriptor for us.
            Ok((pid, unsafe { OwnedFd::from_raw_fd(pidfd) }))
        }
    }
}

/// In the child: never returns.
#[expect(unsafe_code, reason = "after clone only raw system calls are async-signal-safe")]
fn become_program(prepared: &Prepared) -> ! {
    let step = enter(prepared).err().unwrap_or_else(|| {
        // SAFETY: the vectors are null-terminated and outlive the call.
        unsafe {
            libc::execve(prepared.program.as_ptr(), prepared.argv.as_ptr(), prepared.envp.as_ptr())
        };
        5
    });
    // SAFETY: plain system calls on a live descriptor and a local array.
    unsafe {
        let [a, b, c, d] = (*libc::__errno_location()).to_ne_bytes();
        let report = [a, b, c, d, step, 0, 0, 0];
        libc::write(prepared.failure, report.as_ptr().cast(), report.len());
        libc::_exit(127)
    }
}

#[expect(unsafe_code, reason = "after clone only raw system calls are async-signal-safe")]
fn enter(prepared: &Prepared) -> Result<(), u8> {
    let check = |step: u8, result: libc::c_int| if result < 0 { Err(step) } else { Ok(()) };
    // SAFETY: plain system calls on descriptors and strings that outlive them.
    unsafe {
        check(0, libc::setsid())?;
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        check(0, libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut()))?;
        // What whoever started us had ignored, such as SIGCHLD or, in the background, SIGINT, would
        // stay so. SIGKILL and SIGSTOP cannot be, which is no matter.
        for signal in 1..32 {
            libc::signal(signal, libc::SIG_DFL);
        }
        if let Some(parent) = prepared.dies_with {
            check(1, libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL))?;
            // It may have died between the clone and the line above.
            if libc::getppid() != parent {
                libc::_exit(127);
            }
        }
        if let Some(limit) = &prepared.open_files {
            // A program that counts on small descriptors must not meet large ones through us.
            let _ = libc::setrlimit(libc::RLIMIT_NOFILE, limit);
        }
        if let Some(network) = prepared.network {
            check(2, libc::setns(network, libc::CLONE_NEWNET))?;
        }
        check(3, libc::chdir(prepared.directory.as_ptr()))?;
        for (target, source) in (0..).zip(prepared.stdio) {
            // A descriptor that already has its number would stay close-on-exec.
            let spare = libc::fcntl(source, libc::F_DUPFD_CLOEXEC, 10);
            check(4, spare)?;
            check(4, libc::dup2(spare, target))?;
        }
        // What we were given by whoever started us goes no further. Linux 5.11; before, it does.
        let _ = libc::syscall(libc::SYS_close_range, 3, u32::MAX, libc::CLOSE_RANGE_CLOEXEC);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::AsFd;

    use super::*;

    /// Runs a shell line, with a descriptor that everybody inherits open here.
    fn output(line: &str) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        let null = File::open("/dev/null").unwrap();
        let inherited = rustix::io::dup(&null).unwrap();
        let process = Spawn {
            program: OsStr::new("/bin/sh"),
            arguments: vec![OsStr::new("-c"), OsStr::new(line)],
            environment: vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())],
            directory: Path::new("/"),
            stdio: [null.as_fd(), file.as_file().as_fd(), file.as_file().as_fd()],
            cgroup: None,
            network: None,
            dies_with_us: false,
        };
        let process = process.start().unwrap();
        drop(inherited);
        let pid = nix::unistd::Pid::from_raw(process.id().pid);
        nix::sys::wait::waitpid(pid, None).unwrap();
        std::fs::read_to_string(file.path()).unwrap()
    }

    #[test]
    fn nothing_is_inherited_but_what_is_given() {
        // `ls` itself opens the folder as 3.
        assert_eq!(
            output("exec ls -C /proc/self/fd").split_whitespace().collect::<Vec<_>>(),
            ["0", "1", "2", "3"]
        );
    }
}
