//! Everything before the first fault: the agent, the services, the steady state.

use std::rc::Rc;

use tokio::time::{Duration, MissedTickBehavior};

use super::course::Course;
use super::ending::Ending;
use crate::act::{Act, Effect};
use crate::agent::{Answer, Request};
use crate::event::What;
use crate::link::{self, AgentLost, Greeting};
use crate::probe::{Prober, Sampler, Surroundings, wait_ready};
use crate::sample::{Elapsed, Phase};
use crate::spec::{Ready, Restart, Secrets, template};
use crate::verdict::{AbortWatch, Verdict};

/// How long what an agent said before it ended may take to be read.
const LAST_WORDS: Duration = Duration::from_millis(20);

impl Course<'_> {
    /// The agent, the services, and a steady state that holds.
    pub(super) async fn prepare(&mut self) -> Result<(), Ending> {
        self.start_agent().await?;
        self.require_ability().await?;
        let surroundings = self.surroundings();
        self.start_services(&surroundings).await?;
        self.start_probes(&surroundings);
        let window = self.setup.plan.hypothesis.before;
        self.enter(Phase::Before, Some(window));
        let end = Elapsed(self.clock.now().0 + window.as_nanos());
        self.hold(end).await?;
        self.settle(end).await?;
        self.require_steady()
    }

    async fn start_agent(&mut self) -> Result<(), Ending> {
        let greeting = Greeting {
            run: &self.setup.run,
            title: &self.setup.plan.title,
            folder: &self.setup.folder,
            heartbeat: self.setup.heartbeat,
            limit: self.setup.plan.longest().into(),
            secrets: self.setup.secrets.clone(),
        };
        let link = link::start(greeting)
            .await
            .map_err(|error| Ending::NotInjected(format!("{error:#}")))?;
        self.notices = link.take_notices();
        link.keep_alive(self.setup.heartbeat.get() / 5);
        self.link = Some(link);
        Ok(())
    }

    /// What this machine cannot do is found out before anything is started.
    async fn require_ability(&mut self) -> Result<(), Ending> {
        let steps = self.setup.plan.entries.iter().flat_map(|entry| &entry.steps).cloned();
        for step in steps.collect::<Vec<_>>() {
            let Some(planned) = step.acts.first() else { continue };
            let request = Request::Check(Box::new(planned.act.clone()));
            if let Err(reason) = self.ask(request, Duration::ZERO).await? {
                let (fault, site) = (step.fault.clone(), planned.act.site());
                let failed = What::InjectionFailed {
                    step: Some(step.step),
                    fault,
                    site,
                    reason: reason.clone(),
                };
                self.recorder.record(failed);
                return Err(Ending::NotInjected(reason));
            }
        }
        Ok(())
    }

    /// Performs one act for the run itself.
    pub(super) async fn perform(
        &mut self,
        act: Act,
        limit: Option<crate::spec::quantity::Duration>,
    ) -> Result<(crate::act::ActId, Effect), Ending> {
        let id = self.next_act();
        let answer =
            self.ask(Request::Perform { id, act: Box::new(act), limit }, Duration::ZERO).await?;
        match answer {
            Ok(Answer::Effect(effect)) => Ok((id, effect)),
            Ok(_) => {
                Err(Ending::AgentLost("it answered something else than it was asked".to_owned()))
            }
            Err(reason) => Err(Ending::NotInjected(reason)),
        }
    }

    /// Asks the agent. The outer error is that there is none; the inner one is its own.
    pub(super) async fn ask(
        &mut self,
        request: Request,
        takes: Duration,
    ) -> Result<Result<Answer, String>, Ending> {
        let Some(link) = &self.link else {
            return Err(Ending::AgentLost("there is none".to_owned()));
        };
        match link.request_within(request, takes).await {
            Ok(answer) => Ok(Ok(answer)),
            Err(error) if error.is::<AgentLost>() => {
                // Its last words may say why, and what it has undone.
                tokio::time::sleep(LAST_WORDS).await;
                self.drain()?;
                Err(self.lose_agent(&format!("{error:#}")))
            }
            Err(error) => Ok(Err(format!("{error:#}"))),
        }
    }

    async fn start_services(&mut self, surroundings: &Surroundings) -> Result<(), Ending> {
        if let Some(network) = self.setup.plan.network.clone() {
            self.perform_own(Act::JoinNetwork(network), "run network").await?;
        }
        for (start, ready) in self.setup.plan.services.clone() {
            let name = start.name.clone();
            self.perform_own(Act::StartService(start), "service").await?;
            self.drain()?;
            if let Some(ready) = ready {
                self.await_ready(&name, &ready, surroundings).await?;
            }
            self.ready.insert(name.clone());
            self.recorder.record(What::ServiceReady { service: name });
        }
        Ok(())
    }

    async fn perform_own(&mut self, act: Act, fault: &str) -> Result<(), Ending> {
        let (site, class) = (act.site(), act.class());
        match self.perform(act, None).await {
            Ok((act, effect)) => {
                let fault = fault.to_owned();
                self.recorder.record(What::Injected {
                    act,
                    step: None,
                    fault,
                    site,
                    class,
                    effect,
                });
                Ok(())
            }
            Err(ending) => {
                let (fault, reason) = (fault.to_owned(), ending.to_string());
                self.recorder.record(What::InjectionFailed { step: None, fault, site, reason });
                Err(ending)
            }
        }
    }

    /// Waits for a service while everything else goes on.
    async fn await_ready(
        &mut self,
        name: &str,
        ready: &Ready,
        surroundings: &Surroundings,
    ) -> Result<(), Ending> {
        let waiting = wait_ready(ready, surroundings);
        tokio::pin!(waiting);
        loop {
            self.obey_stop()?;
            tokio::select! {
                ready = &mut waiting => return ready.map_err(|why| {
                    let log = self.setup.folder.join(format!("{name}.log"));
                    Ending::NotInjected(format!("the service {name} is {why}; its log is {}", log.display()))
                }),
                turn = self.turn(Duration::from_millis(100)) => turn?,
            }
        }
    }

    fn start_probes(&mut self, surroundings: &Surroundings) {
        let plan = &self.setup.plan;
        let probers = Prober::all(&plan.hypothesis.probes, surroundings);
        let timeout_of = |name: &str| {
            let probe = plan.hypothesis.probes.iter().find(|probe| probe.name == name);
            probe
                .and_then(crate::spec::HypothesisProbe::kind)
                .map_or_else(Default::default, |kind| kind.timeout())
        };
        self.aborts = plan
            .abort
            .iter()
            .map(|abort| AbortWatch::new(abort, timeout_of(&abort.probe)))
            .collect();
        self.sampler = Some(Sampler::start(probers, self.clock, &self.phases, &self.incoming.0));
    }

    /// What probes may know: secrets by reference, the run's folder, the services' processes.
    fn surroundings(&self) -> Surroundings {
        let secrets: Rc<Secrets> = Rc::new(self.setup.secrets.clone().into_iter().collect());
        let folder = self.setup.folder.display().to_string();
        let revealing = Rc::clone(&secrets);
        let services = Rc::clone(&self.services);
        Surroundings {
            reveal: Rc::new(move |text| {
                let value = |name: &str| match name {
                    "run.dir" => Some(folder.clone()),
                    _ => revealing.get(name).map(str::to_owned),
                };
                template::fill(text, value).unwrap_or_else(|_| text.to_owned())
            }),
            redact: Rc::new(move |text| secrets.redact(text)),
            service: Rc::new(move |name| services.borrow().get(name).copied()),
            select: Rc::clone(&self.setup.select),
        }
    }

    /// Waits for the answers to what was sent in a window that is over, so that its last samples
    /// count: at most the longest time-out.
    pub(super) async fn settle(&mut self, window_end: Elapsed) -> Result<(), Ending> {
        let probes =
            self.setup.plan.hypothesis.probes.iter().filter_map(crate::spec::HypothesisProbe::kind);
        let longest = probes.map(|kind| kind.timeout().get()).max().unwrap_or_default();
        let mut looks = tokio::time::interval(Duration::from_millis(2));
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let deadline = Elapsed(window_end.0 + u64::try_from(longest.as_nanos()).unwrap_or(0));
        while self.clock.now() < deadline
            && self.sampler.as_ref().is_some_and(|sampler| sampler.awaits(window_end))
        {
            looks.tick().await;
            self.turn(Duration::from_millis(2)).await?;
        }
        self.drain()
    }

    /// A service that fails by itself before anything was injected is no ground to stand on: its
    /// ready check may have met somebody else on its port. Until it was ready, one that is to be
    /// started again may.
    pub(super) fn require_service(&self, service: &str, how: &str) -> Result<(), Ending> {
        let mut services = self.setup.plan.services.iter().map(|(start, _)| start);
        let retried = services
            .any(|start| start.name == service && start.restart != Restart::Never)
            && !self.ready.contains(service);
        let early = self.faults.is_empty() && self.phases.at(self.clock.now()) == Phase::Before;
        if !early || retried || how == "exit code 0" {
            return Ok(());
        }
        let log = self.setup.folder.join(format!("{service}.log"));
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        let last = text.lines().rev().find(|line| !line.trim().is_empty());
        let secrets: Secrets = self.setup.secrets.clone().into_iter().collect();
        let said = last.map(|line| format!(" (its last words: {})", secrets.redact(line)));
        let said = said.unwrap_or_default();
        Err(Ending::NotInjected(format!(
            "the service {service} ended before anything was injected: {how}{said}; its log is {}",
            log.display()
        )))
    }

    fn require_steady(&mut self) -> Result<(), Ending> {
        let verdicts = self.judge_phase(Phase::Before);
        let told = |verdict: Verdict| verdicts.iter().find(|judged| judged.verdict == verdict);
        if let Some(broken) = told(Verdict::Deviated) {
            let limit = broken.limits.iter().find(|limit| limit.verdict == Verdict::Deviated);
            let limit = limit.map_or_else(String::new, |limit| {
                format!(": {}, measured {}", limit.limit, limit.measured)
            });
            return Err(Ending::Unsteady(format!(
                "the steady state does not hold before: {}{limit}",
                broken.probe
            )));
        }
        if let Some(unknown) = told(Verdict::Unknown) {
            let why = unknown.reason.clone().unwrap_or_default();
            return Err(Ending::Unmeasured(format!(
                "{} could not be measured before: {why}",
                unknown.probe
            )));
        }
        Ok(())
    }
}
