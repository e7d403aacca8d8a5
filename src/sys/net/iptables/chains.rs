//! Our chains in a network namespace.

use anyhow::{Context, Result, bail, ensure};

use super::super::nft::{Counters, Plan};
use super::super::{Namespace, Removed, Support};
use super::program::{Table, Version, restore, saved};
use super::ruleset::{commands, names, table};
use crate::act::{Flow, Hook, Traffic};
use crate::sys::net::nft::Action;

/// The longest name of a chain, without the letter that tells ours apart (`XT_FUNCTION_MAXNAMELEN`).
const LONGEST: usize = 27;

/// Chains with one name and one purpose, which outlive this value.
#[derive(Debug)]
pub struct Chains {
    name: String,
    table: Table,
}

impl Chains {
    /// Puts the chains in place, in first position; on an error none is left.
    pub fn create(namespace: &Namespace, name: &str, plan: &Plan<'_>) -> Result<Self> {
        ensure!(name.len() <= LONGEST, "the name {name} is too long for a chain of iptables");
        let chains = Self { name: name.to_owned(), table: table(plan.action)? };
        let all = Version::ALL
            .map(|version| commands(plan, name, version).map(|commands| (version, commands)));
        let all = all.into_iter().collect::<Result<Vec<_>>>()?;
        ensure!(!chains.any(namespace)?, "there already are chains of the name {name}");
        for (version, commands) in all {
            if let Err(error) = restore(namespace, version, chains.table, &commands) {
                remove(namespace, name)?;
                return Err(error)
                    .with_context(|| format!("cannot filter packets in {}", namespace.id()));
            }
        }
        Ok(chains)
    }

    /// Whether all of them are there, and led to.
    pub fn present(&self, namespace: &Namespace) -> Result<bool> {
        for version in Version::ALL {
            let text = saved(namespace, version, self.table)?;
            if !text.lines().any(|line| line.contains("-j ") && jumps(line, &self.name)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What they have met so far.
    pub fn counters(&self, namespace: &Namespace) -> Result<Counters> {
        let mut sum = Counters::default();
        for version in Version::ALL {
            let text = saved(namespace, version, self.table)?;
            for hook in [Hook::Ingress, Hook::Egress] {
                let [_, acting] = names(&self.name, hook);
                let rules: Vec<(u64, u64, bool)> =
                    text.lines().filter_map(|line| counted(line, &acting)).collect();
                let acted = rules.iter().filter(|(.., acts)| *acts);
                let packets: u64 = acted.clone().map(|(packets, ..)| packets).sum();
                sum.packets += packets;
                sum.bytes += acted.map(|(_, bytes, _)| bytes).sum::<u64>();
                let only_counts = rules.iter().find(|(.., acts)| !acts);
                sum.matched += only_counts.map_or(packets, |(matched, ..)| *matched);
            }
        }
        Ok(sum)
    }

    fn any(&self, namespace: &Namespace) -> Result<bool> {
        for version in Version::ALL {
            if saved(namespace, version, self.table)?.lines().any(|line| jumps(line, &self.name)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Packets and bytes of a line such as `[5:420] -A SD_1e -j DROP`, and whether the rule acts.
fn counted(line: &str, chain: &str) -> Option<(u64, u64, bool)> {
    let (numbers, rule) = line.strip_prefix('[')?.split_once("] ")?;
    let (packets, bytes) = numbers.split_once(':')?;
    let of_chain = rule.strip_prefix("-A ")?.split(' ').next()? == chain;
    let acts = rule.contains(" -j ");
    of_chain.then_some((packets.parse().ok()?, bytes.parse().ok()?, acts))
}

/// Whether a line is a rule of a chain that is not ours that leads to one of ours.
fn jumps(line: &str, name: &str) -> bool {
    let ours = all_names(name);
    let mut words = line.split(' ').skip_while(|word| *word != "-A").skip(1);
    let chain = words.next().unwrap_or_default();
    let target = words.skip_while(|word| *word != "-j").nth(1).unwrap_or_default();
    !ours.iter().any(|name| name == chain) && ours.iter().any(|name| name == target)
}

fn all_names(name: &str) -> Vec<String> {
    [Hook::Ingress, Hook::Egress].into_iter().flat_map(|hook| names(name, hook)).collect()
}

/// Deletes the chains of this name, and what leads to them; nothing else is touched.
pub fn remove(namespace: &Namespace, name: &str) -> Result<Removed> {
    // A table that cannot be changed is no reason to leave the others.
    let removed: Vec<Result<bool>> = Version::ALL
        .into_iter()
        .flat_map(|version| Table::ALL.map(|table| remove_from(namespace, version, table, name)))
        .collect();
    let removed = removed.into_iter().collect::<Result<Vec<bool>>>()?;
    Ok(if removed.contains(&true) { Removed::Deleted } else { Removed::AlreadyGone })
}

/// Deletes the chains of one table; whether there were any.
fn remove_from(namespace: &Namespace, version: Version, table: Table, name: &str) -> Result<bool> {
    let commands = deletions(&saved(namespace, version, table)?, name);
    if commands.is_empty() {
        return Ok(false);
    }
    restore(namespace, version, table, &commands)
        .with_context(|| format!("cannot delete the chains {name}"))?;
    if !deletions(&saved(namespace, version, table)?, name).is_empty() {
        bail!("the chains {name} are still there after they were deleted");
    }
    Ok(true)
}

/// The commands that delete what is ours in a saved table.
fn deletions(text: &str, name: &str) -> Vec<String> {
    let ours = all_names(name);
    let leading = text
        .lines()
        .filter(|line| jumps(line, name))
        .filter_map(|line| line.split_once("-A ").map(|(_, rule)| format!("-D {rule}")));
    let chains: Vec<&String> =
        ours.iter().filter(|name| text.contains(&format!("\n:{name} "))).collect();
    let flushed = chains.iter().map(|name| format!("-F {name}"));
    let deleted = chains.iter().map(|name| format!("-X {name}"));
    leading.chain(flushed).chain(deleted).collect()
}

/// Whether this host has the programs and the kernel what they need, tried in a scratch namespace.
pub fn supported(action: Action) -> Result<Support> {
    let namespace = Namespace::create()?;
    let hooks = vec![Hook::Ingress, Hook::Egress];
    let flow = Flow::default();
    let traffic = Traffic { hooks, flow, except: Vec::new(), interfaces: Vec::new() };
    let plan = Plan { traffic: &traffic, action, cgroup: None, skip_mark: None };
    Ok(match Chains::create(&namespace, "SD_trial", &plan) {
        Ok(_) => Support::Supported,
        Err(error) => Support::Missing { reason: format!("{error:#}") },
    })
}
