//! The kernel, our rights, the clock, and who manages services.

use std::time::Duration;

use super::check::{Check, Words};
use crate::sys::clock::{boot_id, boottime};
use crate::sys::trial::{self, Capabilities};

/// Everything about the machine as a whole.
pub(super) fn checks() -> Vec<Check> {
    let mut checks = vec![kernel(), user()];
    checks.extend(capabilities());
    checks.extend([clock(), systemd()]);
    checks
}

fn kernel() -> Check {
    let words = Words {
        name: "kernel",
        good: "what it can do is tried below, not read off its version",
        without: "nothing can be said of the kernel",
        remedy: "mount /proc",
    };
    words.check(trial::kernel())
}

fn user() -> Check {
    let user = nix::unistd::geteuid();
    if user.is_root() {
        return Check::ok("user", "root", "every process of this host may be a target");
    }
    Check::gap(
        "user",
        format!("user {user}"),
        "only services of the experiment and processes of this user can be targets; no network faults",
        "run it as root, with sudo, for more",
    )
}

/// A capability, its number in `linux/capability.h`, and what it is for.
struct Need {
    number: u32,
    words: Words,
}

const NEEDS: [Need; 5] = [
    Need {
        number: 5,
        words: Words {
            name: "CAP_KILL",
            good: "process-kill and process-restart reach other users' processes",
            without: "process-kill and process-restart reach this user's processes only",
            remedy: "run as root; in a container, --cap-add KILL",
        },
    },
    Need {
        number: 19,
        words: Words {
            name: "CAP_SYS_PTRACE",
            good: "process-pause reaches other users' processes; selectors see their ports and executables",
            without: "other users' processes are paused by the freezer at best (class G), and the selectors `port` and `exe` do not see them",
            remedy: "run as root; in a container, --cap-add SYS_PTRACE",
        },
    },
    Need {
        number: 21,
        words: Words {
            name: "CAP_SYS_ADMIN",
            good: "services can have a network of their own",
            without: "no `network: own`, and so no network-partition and no network-latency",
            remedy: "run as root; in a container, --cap-add SYS_ADMIN",
        },
    },
    Need {
        number: 12,
        words: Words {
            name: "CAP_NET_ADMIN",
            good: "network faults can be put in place",
            without: "no network-partition and no network-latency",
            remedy: "run as root; in a container, --cap-add NET_ADMIN",
        },
    },
    Need {
        number: 1,
        words: Words {
            name: "CAP_DAC_OVERRIDE",
            good: "disk-fill reaches every folder, and control groups can be made anywhere",
            without: "disk-fill reaches folders that this user can write to only",
            remedy: "run as root; in a container, --cap-add DAC_OVERRIDE",
        },
    },
];

fn capabilities() -> Vec<Check> {
    let ours = Capabilities::read();
    let check = |need: &Need| match &ours {
        Ok(ours) if ours.has(need.number) => {
            Check::ok(need.words.name, "in effect", need.words.good)
        }
        Ok(_) => {
            Check::gap(need.words.name, "not in effect", need.words.without, need.words.remedy)
        }
        Err(error) => {
            Check::gap(need.words.name, format!("{error:#}"), need.words.without, need.words.remedy)
        }
    };
    NEEDS.iter().map(check).collect()
}

fn clock() -> Check {
    let words = Words {
        name: "clock",
        good: "deadlines go on while the machine sleeps, and nobody can set them",
        without: "deadlines and journals cannot be kept",
        remedy: "use a kernel with CLOCK_BOOTTIME, and mount /proc",
    };
    let tried = boot_id().and_then(|_| match boottime() {
        Duration::ZERO => Err(anyhow::anyhow!("CLOCK_BOOTTIME cannot be read")),
        _ => Ok("CLOCK_BOOTTIME".to_owned()),
    });
    words.check(tried).essential()
}

fn systemd() -> Check {
    if trial::has_systemd() {
        return Check::ok(
            "systemd",
            "running",
            "the selector `unit` finds services by their units",
        );
    }
    Check::gap(
        "systemd",
        "not the first process here",
        "the selector `unit` matches nothing; no boot unit can undo what a crash left (today no fault needs it)",
        "select by name, user, port or cgroup instead",
    )
}
