//! The agent's loop: one thread, one `poll`, everything in the order it arrives.

mod channel;
mod leases;

use std::os::fd::AsFd;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

use super::journal::{Header, Journal};
use super::protocol::{Answer, FromAgent, Hello, Notice, PROTOCOL, Request, ToAgent};
use super::system::System;
use crate::act::{Act, ActId, Reverted, Undo};
use crate::sys::clock::{boot_id, boottime};
use crate::sys::process;
use channel::Channel;
use leases::Leases;

/// The number of the undo that removes what the agent made for itself.
const OWN: ActId = ActId(0);

/// How long the controller may take to hear that everything is undone, and to look for itself.
const FAREWELL: Duration = Duration::from_secs(2);

/// Serves one controller on standard input and output, until it says `Close` or is gone.
/// `make` builds the system from the first message.
pub fn serve<S: System>(make: impl FnOnce(&Hello) -> Result<S>) -> Result<()> {
    let mut channel = Channel::standard()?;
    let Some(ToAgent { seq, request: Request::Hello(hello) }) = channel.receive()? else {
        bail!("the first message is not a greeting");
    };
    match Agent::new(&hello, make) {
        Ok(mut agent) => {
            channel.send(&FromAgent::Answer { seq, answer: Ok(Answer::Done) });
            let ended = agent.run(&mut channel);
            if ended.is_err() {
                agent.revert_all();
                agent.finish();
            }
            ended
        }
        Err(error) => {
            channel.send(&FromAgent::Answer { seq, answer: Err(format!("{error:#}")) });
            Err(error)
        }
    }
}

struct Agent<S> {
    system: S,
    journal: Journal,
    leases: Leases,
    timer: TimerFd,
    /// SIGTERM, which `rollback` sends; every other signal that ends programs is not heard.
    terminated: SignalFd,
    /// Set once everything has been undone without being told to.
    gave_up: bool,
    /// When to end although the controller has not said so: `rollback` waits for that, and a
    /// controller that stands still says nothing.
    leave_at: Option<Duration>,
}

/// Whether the loop goes on.
#[derive(PartialEq, Eq)]
enum Next {
    On,
    End,
}

impl<S: System> Agent<S> {
    fn new(hello: &Hello, make: impl FnOnce(&Hello) -> Result<S>) -> Result<Self> {
        if hello.protocol != PROTOCOL {
            bail!("the controller speaks protocol {}, this agent {PROTOCOL}", hello.protocol);
        }
        let leases = Leases::new(hello.heartbeat.get(), hello.limit.get());
        let me = i32::try_from(std::process::id())?;
        let start_time = process::stat(me)?.context("cannot find myself in /proc")?.start_time;
        let header = Header {
            run: hello.run.clone(),
            title: hello.title.clone(),
            boot: boot_id()?,
            agent: crate::act::ProcessId { pid: me, start_time },
            deadline_ns: u64::try_from(leases.deadline().as_nanos())?,
            at: jiff::Timestamp::now(),
        };
        let mut journal = Journal::create(&hello.folder, header)?;
        if let Some(path) = &hello.cgroup {
            journal.record_own(OWN, Undo::RemoveCgroup { path: path.clone() })?;
        }
        let system = make(hello)?;
        let timer = TimerFd::new(
            ClockId::CLOCK_BOOTTIME,
            TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK,
        )
        .context("cannot make a timer")?;
        let terminated = hear_only_sigterm()?;
        Ok(Self { system, journal, leases, timer, terminated, gave_up: false, leave_at: None })
    }

    fn run(&mut self, channel: &mut Channel) -> Result<()> {
        loop {
            let heard = self.wait(channel)?;
            for notice in self.system.tick() {
                self.note(channel, notice);
            }
            // What was said while this process was busy counts before the silence does.
            if heard && self.hear(channel) == Next::End {
                return Ok(());
            }
            self.expire(channel);
            if self.leave_at.is_some_and(|moment| moment <= boottime()) {
                self.finish();
                return Ok(());
            }
        }
    }

    /// Waits for a message, the system, or the next moment; whether there is a message.
    fn wait(&mut self, channel: &Channel) -> Result<bool> {
        let moments = [self.leases.next_moment(), self.system.next_moment(), self.leave_at];
        let moment = moments.into_iter().flatten().min();
        let moment = moment.map(|moment| moment.max(Duration::from_nanos(1)));
        match moment {
            Some(moment) => self.timer.set(
                Expiration::OneShot(TimeSpec::from(moment)),
                TimerSetTimeFlags::TFD_TIMER_ABSTIME,
            )?,
            None => self.timer.unset()?,
        }
        let mut fds = vec![
            PollFd::new(channel.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.timer.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.terminated.as_fd(), PollFlags::POLLIN),
        ];
        fds.extend(
            self.system.descriptors().into_iter().map(|fd| PollFd::new(fd, PollFlags::POLLIN)),
        );
        match poll(&mut fds, PollTimeout::NONE) {
            Ok(_) => Ok(fds.first().and_then(PollFd::any).unwrap_or(false)),
            Err(nix::errno::Errno::EINTR) => Ok(false),
            Err(error) => Err(error).context("cannot wait"),
        }
    }

    /// Handles one message; the end of the stream means that the controller is gone.
    fn hear(&mut self, channel: &mut Channel) -> Next {
        // A controller that died in the middle of a message is as gone as any other.
        let Some(ToAgent { seq, request }) = channel.receive().unwrap_or_default() else {
            self.revert_all();
            self.finish();
            return Next::End;
        };
        let last = matches!(request, Request::Close);
        let answer = self.answer(request).map_err(|error| format!("{error:#}"));
        // The time that the answer took is not the controller's silence.
        self.leases.heard();
        if last {
            self.finish();
        }
        for notice in self.system.tick() {
            self.note(channel, notice);
        }
        channel.send(&FromAgent::Answer { seq, answer });
        if last { Next::End } else { Next::On }
    }

    fn answer(&mut self, request: Request) -> Result<Answer> {
        Ok(match request {
            Request::Hello(_) => bail!("a second greeting"),
            Request::Check(act) => {
                self.system.check(&act)?;
                Answer::Done
            }
            Request::Perform { id, act, limit } => {
                self.leases.grant(id, limit.map(crate::spec::quantity::Duration::get));
                let performed = self.perform(id, *act);
                if performed.is_err() {
                    self.leases.end(id);
                }
                performed?
            }
            Request::Verify(id) => {
                crate::failpoint::hit("verifying");
                Answer::Effect(self.system.verify(id)?)
            }
            Request::Revert(id) => Answer::Undone(vec![(id, self.revert(id))]),
            Request::RevertAll => Answer::Undone(self.revert_all()),
            Request::Residue => Answer::Residue(self.system.residue()),
            Request::Heartbeat | Request::Close => Answer::Done,
        })
    }

    /// Reads the state before, writes the undo down, and only then performs.
    fn perform(&mut self, id: ActId, act: Act) -> Result<Answer> {
        if self.gave_up {
            bail!("this agent has already undone everything: its time was up");
        }
        if id == OWN || self.journal.history().act(id).is_some() {
            bail!("the act {id} was performed before");
        }
        let undo = self.system.undo_of(id, &act)?;
        let recorded = self.journal.record(id, act, undo)?;
        let (effect, observed) = match self.system.perform(recorded) {
            Ok(done) => done,
            Err(error) => {
                // The system cleans up after itself; this proves it, and takes back what it could not.
                let reverted = self.revert(id);
                if reverted.is_clean() {
                    return Err(error);
                }
                return Err(error.context(format!("half of the act is done: {}", words(&reverted))));
            }
        };
        self.journal.applied(id, observed)?;
        crate::failpoint::hit("after-apply");
        Ok(Answer::Effect(effect))
    }

    fn revert(&mut self, id: ActId) -> Reverted {
        self.leases.end(id);
        let Some(entry) = self.journal.history().act(id).cloned() else {
            return Reverted::AlreadyGone;
        };
        if let Some(reverted) = entry.reverted.filter(Reverted::is_clean) {
            return reverted;
        }
        let reverted = self.system.revert(id, &entry.undo, &entry.observed);
        crate::failpoint::hit("after-undo");
        if let Err(error) = self.journal.undone(id, reverted.clone()) {
            log(&format!(
                "an undo could not be noted, and will be tried again by the next command: {error:#}"
            ));
        }
        reverted
    }

    fn revert_all(&mut self) -> Vec<(ActId, Reverted)> {
        let open: Vec<ActId> =
            self.journal.history().open().into_iter().map(|(id, _)| id).collect();
        open.into_iter().filter(|id| *id != OWN).map(|id| (id, self.revert(id))).collect()
    }

    /// Undoes what nobody asked to be undone in time.
    fn expire(&mut self, channel: &mut Channel) {
        if matches!(self.terminated.read_signal(), Ok(Some(_))) {
            self.leases.lose("it was told to undo everything (SIGTERM)");
            self.leave_at = Some(boottime() + FAREWELL);
        }
        for act in self.leases.expired() {
            let reverted = self.revert(act);
            channel.send(&FromAgent::Notice(Notice::Expired { act, reverted }));
        }
        if let Some(reason) = self.leases.lost().filter(|_| !self.gave_up) {
            self.gave_up = true;
            let undone = self.revert_all();
            channel.send(&FromAgent::Notice(Notice::GaveUp { reason: reason.to_owned(), undone }));
        }
    }

    /// What a service's new process needs in the journal, and the controller to know.
    fn note(&mut self, channel: &mut Channel, notice: Notice) {
        if let Notice::ServiceStarted { act, process, .. } = &notice {
            let observed = crate::act::Observed { processes: vec![*process] };
            if let Err(error) = self.journal.applied(*act, observed) {
                log(&format!("a service's process could not be noted: {error:#}"));
            }
        }
        channel.send(&FromAgent::Notice(notice));
    }

    /// Removes what the agent made for itself and closes the journal, if nothing else is left.
    fn finish(&mut self) {
        self.revert(OWN);
        if self.journal.history().open().is_empty()
            && let Err(error) = self.journal.close()
        {
            log(&format!("the journal could not be closed: {error:#}"));
        }
    }
}

/// What ends other programs must not end the one that undoes: it ends when it is told to, when its
/// controller is gone, or by SIGKILL. SIGTERM is how `rollback` tells it.
fn hear_only_sigterm() -> Result<SignalFd> {
    let mut term = SigSet::empty();
    term.add(Signal::SIGTERM);
    let mut all = term;
    for signal in [
        Signal::SIGINT,
        Signal::SIGHUP,
        Signal::SIGQUIT,
        Signal::SIGTSTP,
        Signal::SIGUSR1,
        Signal::SIGUSR2,
    ] {
        all.add(signal);
    }
    all.thread_block().context("cannot block signals")?;
    SignalFd::with_flags(&term, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)
        .context("cannot listen for SIGTERM")
}

fn words(reverted: &Reverted) -> String {
    match reverted {
        Reverted::Restored => "all of it is undone".to_owned(),
        Reverted::AlreadyGone => "nothing of it was left".to_owned(),
        Reverted::NotOurs { found } => format!("what is there is not ours: {found}"),
        Reverted::Failed { reason, manual } => {
            format!("that FAILED: {reason}; do it by hand: {manual}")
        }
    }
}

/// The agent's standard error is its log in the run's folder; a full disk must not stop an undo.
fn log(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{} {line}", jiff::Timestamp::now());
}
