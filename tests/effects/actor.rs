//! What this very program does when it is started as a target.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::thread;

/// Tells the program that it is a target and no test, and which.
const ROLE: &str = "EFFECTS_ROLE";

/// This program as a target with a role.
pub(super) fn actor(role: &str) -> Command {
    let mut command = Command::new(program());
    command.args(ARGUMENTS).env(ROLE, role);
    command
}

/// The arguments that make it one.
const ARGUMENTS: [&str; 4] =
    ["effects::actor::plays", "--exact", "--nocapture", "--test-threads=1"];

/// The same with a network of its own.
pub(super) fn actor_with_network(role: &str) -> Command {
    let mut command = Command::new("unshare");
    command.arg("-n").arg(program()).args(ARGUMENTS).env(ROLE, role);
    command
}

fn program() -> std::path::PathBuf {
    std::env::current_exe().expect("this program has a path")
}

/// The target itself; as a test it is nothing.
#[test]
fn plays() {
    let role = std::env::var(ROLE).unwrap_or_default();
    match role.split(' ').collect::<Vec<_>>().as_slice() {
        ["threads"] => many_threads(),
        ["echo", addresses @ ..] => echo(addresses),
        ["root", folder] => in_root(folder),
        _ => {}
    }
}

/// Twenty threads, each of which starts others one after another and writes a byte for each.
fn many_threads() {
    let all = std::sync::Arc::new(std::sync::Barrier::new(20));
    for _ in 0..20 {
        let all = all.clone();
        thread::spawn(move || {
            all.wait();
            loop {
                let young = thread::spawn(|| {
                    let _ = rustix::io::write(rustix::stdio::stdout(), b".");
                });
                let _ = young.join();
            }
        });
    }
    wait_forever();
}

/// Sends back what it gets.
fn echo(addresses: &[&str]) {
    for address in addresses {
        let listener = TcpListener::bind(address).expect("the address is free");
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || send_back(stream));
            }
        });
    }
    say_ready();
    wait_forever();
}

fn send_back(mut stream: TcpStream) {
    let mut buffer = [0; 64];
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        if stream.write_all(&buffer[..length]).is_err() {
            return;
        }
    }
}

/// Has another root than others, as a container has.
fn in_root(folder: &str) {
    nix::unistd::chroot(folder).expect("root may");
    nix::unistd::chdir("/").expect("there is a root");
    say_ready();
    wait_forever();
}

fn say_ready() {
    let _ = rustix::io::write(rustix::stdio::stdout(), b"!\n");
}

fn wait_forever() -> ! {
    loop {
        thread::park();
    }
}
