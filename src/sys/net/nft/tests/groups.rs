//! Packets of one control group only.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::super::testbed::{Pair, Server, stdout, tcp, udp};
use super::super::super::{Namespace, Removed};
use super::super::{Action, CgroupPath, OwnedTable, Plan, supported};
use super::{NAME, both, possible};
use crate::sys::cgroup::Cgroup;

/// A program's view: UDP that sends and waits for the answer, TCP that connects.
const CLIENT: &str = r"
import os, socket, sys
open(sys.argv[1] + '/cgroup.procs', 'w').write(str(os.getpid()))
def udp(to):
    s = socket.socket(socket.AF_INET6 if ':' in to else socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(0.7)
    s.sendto(b'x', (to, 7000))
    try: return 'answer' if s.recv(9) else ''
    except OSError as e: return type(e).__name__
def tcp(to):
    try: socket.create_connection((to, 7000), 0.7); return 'connected'
    except OSError as e: return type(e).__name__
print(udp('10.9.0.2'), udp('fd09::2'), tcp('10.9.0.2'), tcp('fd09::2'))
";

fn tree() -> Option<PathBuf> {
    ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"]
        .map(PathBuf::from)
        .into_iter()
        .find(|root| root.join("cgroup.controllers").exists())
}

fn client(namespace: &Namespace, group: &Path) -> String {
    let run = || Command::new("python3").args(["-c", CLIENT]).arg(group).output().unwrap();
    stdout(&namespace.run_in(run).unwrap())
}

#[test]
fn only_the_group_is_cut_off_and_notices_loss_not_an_error() {
    if !possible() {
        return;
    }
    let (Some(root), true) = (tree(), supported().unwrap().cgroup.is_supported()) else {
        println!("skipped: no control groups of version 2, or nf_tables does not know them");
        return;
    };
    let name = |what: &str| root.join(format!("shakedown-nft-{}-{what}", std::process::id()));
    let groups = ["in", "out"].map(|what| Cgroup::create(name(what)).unwrap());
    let deeper = Cgroup::create(groups[0].path().join("deeper")).unwrap();
    let path = CgroupPath::of(groups[0].path()).unwrap();
    assert_eq!(path.level, 1);
    let pair = Pair::new();
    let _server = Server::start(&pair.far, 7000);
    let traffic = both(&[], &["7000"]);
    for (action, seen) in [
        (Action::Drop, "TimeoutError TimeoutError TimeoutError TimeoutError\n"),
        (Action::Reset, "ConnectionRefusedError"),
    ] {
        let plan = Plan { traffic: &traffic, action, cgroup: Some(&path), skip_mark: None };
        for (group, expected) in [
            (groups[0].path(), seen),
            (deeper.path(), seen),
            (groups[1].path(), "answer answer connected connected\n"),
        ] {
            let table = OwnedTable::create(&pair.near, NAME, &plan).unwrap();
            if action == Action::Reset && group != groups[1].path() {
                // A datagram's own call is refused as well.
                assert!(tcp(&pair.near, "10.9.0.2", 7000));
            } else {
                assert_eq!(client(&pair.near, group), expected, "{action:?} {}", group.display());
                assert!(udp(&pair.near, "10.9.0.2", 7000));
            }
            assert_eq!(
                table.counters().unwrap().packets > 0,
                expected == seen && action == Action::Drop
            );
            assert_eq!(table.remove().unwrap(), Removed::Deleted);
        }
    }
    for group in [&deeper, &groups[0], &groups[1]] {
        group.remove().unwrap();
    }
}
