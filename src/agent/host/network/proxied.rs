//! Connections that are led through a proxy.

use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::{State, reverted, state, unchanged};
use crate::act::{self, Effect, NamespaceId, ProxyWork, Reverted, Traffic, Undo};
use crate::spec::Existing;
use crate::sys::net::nft::{self, Action, OwnedTable, Plan};
use crate::sys::net::proxy::{Proxy, Tally};
use crate::sys::net::{Namespace, RouteSocket, Support, links, sockets};

/// The bit of the mark by which what the proxy itself sends is known, and left alone.
const MARK: u32 = 1 << 28;

/// A proxy in a namespace, and the packet filter that leads connections to it.
pub(in super::super) struct Proxied {
    namespace: Namespace,
    table: OwnedTable,
    proxy: Proxy,
    traffic: Traffic,
    work: ProxyWork,
    existing: Existing,
    /// How many connections were open before.
    found: usize,
    before: State,
    /// Why the table did not match all the time.
    lapsed: Option<String>,
}

/// Whether this kernel can lead connections elsewhere, and reset those that are open.
pub(in super::super) fn check_proxy(proxy: &act::Proxy) -> Result<()> {
    if let Some(missing) = nft::supported()?.missing_for(Action::Redirect { port: 1 }) {
        bail!(
            "this kernel cannot redirect connections by an owned table: {missing}; \
             `shakedown doctor` says more"
        );
    }
    if proxy.existing == Existing::Reset
        && let Support::Missing { reason } = sockets::destroy_supported()?
    {
        bail!(
            "this kernel cannot reset connections that are open ({reason}); write \
             `existing: keep`, and make the clients connect again"
        );
    }
    Ok(())
}

/// The proxy and those it stands between reach each other over `lo`.
fn refuse_without_loopback(namespace: &Namespace) -> Result<()> {
    let links = links(&RouteSocket::open(namespace)?)?;
    if links.iter().any(|link| link.loopback && link.up) {
        return Ok(());
    }
    bail!(
        "the interface `lo` of the target's network namespace is down, and a proxy in there reaches \
         nobody; `ip link set lo up` there"
    )
}

impl Proxied {
    /// Leads connections through a proxy from now on.
    pub(in super::super) fn start(
        namespace: Namespace,
        act: &act::Proxy,
        undo: &Undo,
    ) -> Result<Self> {
        let Undo::DropTable { table, .. } = undo else { bail!("the undo of a proxy is none") };
        refuse_without_loopback(&namespace)?;
        let before = state(&namespace)?;
        let proxy = Proxy::start(&namespace, &act.work, act.seed, MARK)?;
        // Those that come after this and before the table are not led through the proxy, nor reset.
        let open = sockets::passing(&namespace, &act.traffic)?;
        let action = Action::Redirect { port: proxy.port() };
        let plan = Plan { traffic: &act.traffic, action, cgroup: None, skip_mark: Some(MARK) };
        let table = OwnedTable::create(&namespace, table, &plan)?;
        crate::failpoint::hit("mid-apply");
        let found = match act.existing {
            Existing::Keep => open.len(),
            Existing::Reset => {
                sockets::reset(&namespace, &open).context("cannot reset what was open before")?
            }
        };
        let (work, existing) = (act.work.clone(), act.existing);
        let traffic = act.traffic.clone();
        let lapsed = None;
        Ok(Self { namespace, table, proxy, traffic, work, existing, found, before, lapsed })
    }

    /// Leads other connections through it from now on; those that were open are left alone.
    pub(in super::super) fn aim_at(&mut self, traffic: &Traffic) -> Result<()> {
        let action = Action::Redirect { port: self.proxy.port() };
        let plan = Plan { traffic, action, cgroup: None, skip_mark: Some(MARK) };
        self.table.update(&self.namespace, &plan)?;
        self.traffic = traffic.clone();
        Ok(())
    }

    /// Whether it is in this namespace.
    pub(in super::super) fn is_in(&self, namespace: NamespaceId) -> bool {
        self.namespace.id() == namespace
    }

    /// Which connections go through it.
    pub(in super::super) const fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    /// What has gone through it so far, and what it did to that.
    pub(in super::super) fn effect(&self) -> Result<Effect> {
        if !self.proxy.is_alive() {
            return Ok(Effect::absent("the proxy has broken down"));
        }
        if !self.table.present()? {
            return Ok(Effect::absent("the table that leads to the proxy is gone"));
        }
        if let Some(reason) = &self.lapsed {
            return Ok(Effect::absent(format!("the table did not match all the time: {reason}")));
        }
        let tally = self.proxy.tally();
        let (met, words) = match &self.work {
            ProxyWork::Tcp(_) => streams(tally),
            ProxyWork::Http(_) => requests(tally),
        };
        let words = [words, self.old()].concat().join("; ");
        Ok(if met { Effect::proved(words) } else { Effect::pending(words) })
    }

    /// What became of connections that were open before.
    fn old(&self) -> Vec<String> {
        let connections = plural(self.found as u64, "connection");
        match (self.found, self.existing) {
            (0, _) => Vec::new(),
            (_, Existing::Reset) => vec![format!("{connections} from before reset")],
            (_, Existing::Keep) => vec![format!("{connections} from before not led through it")],
        }
    }

    /// When it must be renewed.
    pub(in super::super) const fn next_moment(&self) -> Duration {
        self.table.renewal()
    }

    /// Renews it if it is time.
    pub(in super::super) fn tick(&mut self, now: Duration) {
        if self.table.renewal() <= now
            && let Err(error) = self.table.renew()
        {
            // Whatever it does from now on, it did not hold all the time.
            self.lapsed.get_or_insert_with(|| format!("{error:#}"));
        }
    }

    /// Lets new connections go where they want, ends those that go through the proxy, and looks that
    /// the namespace is as it was.
    pub(in super::super) fn stop(mut self) -> Result<Reverted> {
        // Without the chains the kernel translates nothing any more, and the resets of what goes
        // through the proxy would not reach who waits for an answer. Where the rules cannot be
        // changed, the table must go all the same.
        let nothing = self.traffic.nothing();
        let _ = self.aim_at(&nothing);
        let stopped = self.proxy.stop();
        crate::failpoint::hit("mid-undo");
        let removed = self.table.remove()?;
        stopped?;
        unchanged(&self.before, &self.namespace)?;
        Ok(reverted(removed))
    }
}

/// Whether a connection has met the fault, and how many.
fn streams(tally: &Tally) -> (bool, Vec<String>) {
    let (met, all) = (tally.spoilt_connections.get(), tally.connections.get());
    let mut words = vec![match (met, all) {
        (_, 0) => "in place, no connection has met it yet".to_owned(),
        _ => format!("{met} of {} affected", plural(all, "connection")),
    }];
    words.extend(wait(tally, "data"));
    words.extend(refused(tally));
    (met > 0, words)
}

/// Whether a request has met the fault, and how many.
fn requests(tally: &Tally) -> (bool, Vec<String>) {
    let (met, all) = (tally.spoilt_requests.get(), tally.requests.get());
    let connections = plural(tally.connections.get(), "connection");
    let mut words = vec![match (met, all) {
        (_, 0) => "in place, no request has met it yet".to_owned(),
        _ => format!("{met} of {} on {connections} affected", plural(all, "request")),
    }];
    words.extend(wait(tally, "requests"));
    let foreign = tally.foreign.get();
    if foreign > 0 {
        words.push(format!("{} untouched, not HTTP", plural(foreign, "connection")));
    }
    words.extend(refused(tally));
    (met > 0, words)
}

fn wait(tally: &Tally, what: &str) -> Option<String> {
    tally.mean_wait().map(|mean| format!("{what} delayed by {mean:.1?} on average"))
}

fn refused(tally: &Tally) -> Option<String> {
    let refused = tally.refused.get();
    (refused > 0).then(|| format!("{} not taken by the server", plural(refused, "connection")))
}

fn plural(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
