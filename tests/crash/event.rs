//! What goes wrong while a run stands at a point.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::controller::Controller;
use super::point::Stopped;
use super::stage::Stage;
use super::table::{Cell, Event, Fault};

/// Between the signals of somebody who does not like to wait.
const IMPATIENCE: Duration = Duration::from_millis(10);
/// How long a killed process may take to be gone.
const DEATH: Duration = Duration::from_secs(2);

/// Lets it happen, and lets whoever stood at the point and still lives go on.
pub(super) fn happen(
    cell: Cell,
    stage: &mut Stage,
    controller: &mut Controller,
    stopped: Stopped,
) -> Result<(), String> {
    let agent = stage.history().map(|history| history.header().agent.pid);
    let agent = agent.ok_or("the run has no journal")?;
    let tool = i32::try_from(controller.pid()).map_err(|error| error.to_string())?;
    match cell.event {
        Event::KillController => send(tool, Signal::SIGKILL)?,
        Event::KillAgent => send(agent, Signal::SIGKILL)?,
        Event::KillBoth => {
            // Stopped first, or it would repair what its agent left.
            send(tool, Signal::SIGSTOP)?;
            send(agent, Signal::SIGKILL)?;
            send(tool, Signal::SIGKILL)?;
            await_death(agent)?;
        }
        Event::StopController => send(tool, Signal::SIGSTOP)?,
        Event::Interrupt => send(tool, Signal::SIGINT)?,
        Event::TenInterrupts => return interrupt(tool, stopped),
        Event::HangUp => {
            controller.close_outputs();
            send(tool, Signal::SIGHUP)?;
        }
        Event::KillGroup => {
            let group = stage.group().ok_or("the controller has no group")?;
            std::fs::write(group.join("cgroup.kill"), "1").map_err(|error| error.to_string())?;
        }
        Event::Rollback => send(agent, Signal::SIGTERM)?,
        Event::NoSpace | Event::BadDisk | Event::Panic => {}
        Event::TargetExits => return end_target(cell, stage, stopped),
        Event::ForeignFlush => {
            let target = stage.target().and_then(|target| i32::try_from(target.pid()).ok());
            let victim = target.or_else(|| stage.meet_service()).ok_or("nobody has a network")?;
            flush(cell.fault, victim)?;
        }
    }
    stopped.release(match cell.event {
        Event::NoSpace => "ENOSPC",
        Event::BadDisk => "EIO",
        Event::Panic => "PANIC",
        _ => "",
    });
    Ok(())
}

fn send(pid: i32, signal: Signal) -> Result<(), String> {
    kill(Pid::from_raw(pid), signal).map_err(|error| format!("cannot send {signal}: {error}"))
}

/// Waits until a process that is not our child has ended; nobody may have waited for it yet.
fn await_death(pid: i32) -> Result<(), String> {
    let deadline = Instant::now() + DEATH;
    while std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.contains(") Z "))
    {
        if Instant::now() > deadline {
            return Err(format!("process {pid} survives SIGKILL"));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// The first at the point, the others while everything is undone.
fn interrupt(tool: i32, stopped: Stopped) -> Result<(), String> {
    send(tool, Signal::SIGINT)?;
    stopped.release("");
    for _ in 1..10 {
        std::thread::sleep(IMPATIENCE);
        // It may have ended in order meanwhile; nobody has waited for it, so its number is its own.
        send(tool, Signal::SIGINT)?;
    }
    Ok(())
}

/// A traced process is gone only when its tracer has let go, which stands at the point.
fn end_target(cell: Cell, stage: &mut Stage, stopped: Stopped) -> Result<(), String> {
    let traced = cell.fault == Fault::PauseByPtrace;
    let Some(target) = stage.target_mut() else {
        // A restart may have ended it already.
        if let Some(service) = stage.meet_service() {
            send(service, Signal::SIGKILL)?;
        }
        stopped.release("");
        return Ok(());
    };
    target.kill();
    // Nobody waits for a traced process before its tracer has, and that one stands at the point.
    let gone = if traced {
        await_death(i32::try_from(target.pid()).map_err(|error| error.to_string())?).is_ok()
    } else {
        target.wait(DEATH)
    };
    stopped.release("");
    if gone && target.wait(DEATH) { Ok(()) } else { Err("the target cannot end".to_owned()) }
}

/// What another tool on the host might do.
fn flush(fault: Fault, service: i32) -> Result<(), String> {
    let words = match fault {
        Fault::Latency => &["tc", "qdisc", "del", "dev", "eth0", "root"][..],
        _ => &["nft", "flush", "ruleset"],
    };
    let status = Command::new("nsenter")
        .args(["--net", "--target", &service.to_string()])
        .args(words)
        .stderr(Stdio::null())
        .status();
    match status {
        // There may be nothing to delete yet, or any more.
        Ok(status) if status.success() || fault == Fault::Latency => Ok(()),
        other => Err(format!("{words:?} failed: {other:?}")),
    }
}
