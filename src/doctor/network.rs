//! Networks and the engines of network faults, tried in scratch namespaces; the host's own is never
//! touched.

use anyhow::{Result, anyhow};
use nix::unistd::geteuid;

use super::check::{Check, Words};
use crate::fault::bounds;
use crate::spec::Engine;
use crate::sys::net::{Namespace, missing_engines};

const OWN: Words = Words {
    name: "network namespaces",
    good: "services can have a network of their own",
    without: "no `network: own`, and so no network faults on services",
    remedy: "run as root; in a container, --cap-add SYS_ADMIN",
};

const ENGINES: [Engine; 5] =
    [Engine::Netem, Engine::Queue, Engine::Nft, Engine::Tbf, Engine::Iptables];

/// What each engine is good for, and what happens without.
const fn words(engine: Engine) -> Words {
    match engine {
        Engine::Netem => Words {
            name: "engine netem",
            good: "delays, drops, duplicates, corrupts and reorders packets in the kernel (class G)",
            without: "the engine queue does the same in the agent, less exactly and more safely",
            remedy: "`modprobe sch_netem`, from the package with your kernel's extra modules (such as linux-modules-extra)",
        },
        Engine::Queue => Words {
            name: "engine queue",
            good: "delays, drops, duplicates, corrupts and reorders packets in the agent, both ways; they pass when it ends (class K)",
            without: "the engine netem does the same where the kernel has it",
            remedy: "use a kernel with CONFIG_NETFILTER_NETLINK_QUEUE, or `modprobe nfnetlink_queue`",
        },
        Engine::Nft => Words {
            name: "engine nft",
            good: "network-partition and network-loss drop packets next to the wire; the kernel ends it with its holder (class K)",
            without: "no network-partition: it is refused before anything is touched (exit code 4)",
            remedy: "use a kernel with CONFIG_NF_TABLES_NETDEV and CONFIG_NETFILTER_EGRESS (Linux 5.16), or `modprobe nf_tables`",
        },
        Engine::Tbf => Words {
            name: "engine tbf",
            good: "network-rate limits what a target sends, in the kernel (class G)",
            without: "network-rate uses the engine netem or queue",
            remedy: "`modprobe sch_tbf`",
        },
        Engine::Iptables => Words {
            name: "engine iptables",
            good: "network-loss drops packets where nf_tables has no owned tables (class G)",
            without: "nothing else drops packets where nf_tables has no owned tables",
            remedy: "`modprobe ip_tables`, or use a kernel whose nf_tables has owned tables (Linux 5.12)",
        },
    }
}

/// Everything about networks.
pub(super) fn checks() -> Vec<Check> {
    let own = OWN.check(Namespace::create().map(|_| "made one".to_owned()));
    let tried = tried().map_err(|error| format!("{error:#}"));
    let of = |engine: Engine| words(engine).check(found(engine, &tried));
    std::iter::once(own).chain(needed(&tried).into_iter().map(of)).collect()
}

/// The engines that do not work here, each with its reason.
fn tried() -> Result<Vec<(Engine, String)>> {
    anyhow::ensure!(geteuid().is_root(), "not tried, since that takes root");
    missing_engines()
}

/// Who has owned tables has no need of iptables, and nothing lacks without it.
fn needed(tried: &Result<Vec<(Engine, String)>, String>) -> Vec<Engine> {
    let lacks = |engine| match tried {
        Ok(missing) => missing.iter().any(|(name, _)| *name == engine),
        Err(_) => true,
    };
    let idle = |engine| engine == Engine::Iptables && lacks(engine) && !lacks(Engine::Nft);
    ENGINES.into_iter().filter(|engine| !idle(*engine)).collect()
}

fn found(engine: Engine, tried: &Result<Vec<(Engine, String)>, String>) -> Result<String> {
    let missing = tried.as_ref().map_err(|error| anyhow!("{error}"))?;
    match missing.iter().find(|(name, _)| *name == engine) {
        Some((_, reason)) => Err(anyhow!("{reason}")),
        None => Ok(bounds(engine).to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iptables_is_no_gap_beside_owned_tables() {
        let missing = |engines: &[Engine]| {
            Ok(engines.iter().map(|engine| (*engine, "no module".to_owned())).collect())
        };
        assert_eq!(needed(&missing(&[])), ENGINES);
        assert_eq!(needed(&missing(&[Engine::Iptables])), ENGINES[..4]);
        assert_eq!(needed(&missing(&[Engine::Iptables, Engine::Nft])), ENGINES);
        assert_eq!(needed(&Err("not root".to_owned())), ENGINES);
    }

    #[test]
    fn an_engine_says_how_exact_it_is_or_why_it_is_not_here() {
        let tried = Ok(vec![(Engine::Netem, "no sch_netem".to_owned())]);
        assert_eq!(found(Engine::Tbf, &tried).unwrap(), bounds(Engine::Tbf));
        assert_eq!(found(Engine::Netem, &tried).unwrap_err().to_string(), "no sch_netem");
    }
}
