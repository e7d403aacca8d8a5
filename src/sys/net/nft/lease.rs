//! The lease: a set whose elements the kernel forgets unless they are renewed. Rules look there
//! first, so that the fault of an agent that is stopped, but not dead, ends by itself.

use std::time::Duration;

use netlink_packet_core::NLM_F_CREATE;

use super::super::attribute::Attributes;
use super::batch::{Batch, Kind};
use super::expression::{Expression, LIST_ELEMENT, Meta, data};
use super::flow::{ETHERTYPE_IPV4, ETHERTYPE_IPV6, FAMILY_IPV4, FAMILY_IPV6, Step};
use super::table::Family;

/// How long rules match after the last renewal.
pub const LEASE: Duration = Duration::from_secs(5);
/// How often it is to be renewed.
pub const RENEWAL: Duration = Duration::from_secs(1);
/// The name of the set.
pub(super) const SET: &str = "lease";

/// `NFT_SET_TIMEOUT`.
const WITH_TIMEOUT: u32 = 0x10;

/// The tests that a packet is IP and, unless the kernel has no such sets, that the lease is alive.
pub(super) fn tests(family: Family, leased: bool) -> Vec<Vec<Step>> {
    let load = Step::Plain(Expression::Meta(match family {
        Family::Inet => Meta::Family,
        Family::Netdev => Meta::Protocol,
    }));
    if leased {
        return vec![vec![load, Step::Plain(Expression::InNamed(SET))]];
    }
    values(family)
        .into_iter()
        .map(|value| vec![load.clone(), Step::Plain(Expression::equal(value))])
        .collect()
}

/// What the set holds: the versions of IP as the family knows them.
fn values(family: Family) -> Vec<Vec<u8>> {
    match family {
        Family::Inet => vec![vec![FAMILY_IPV4], vec![FAMILY_IPV6]],
        Family::Netdev => {
            [ETHERTYPE_IPV4, ETHERTYPE_IPV6].map(|number| number.to_be_bytes().to_vec()).into()
        }
    }
}

/// Adds the set, still empty.
pub(super) fn declare(batch: &mut Batch<'_>, family: Family, table: &str) {
    // nft's own numbers of the types, and their lengths.
    let (data_type, length) = match family {
        Family::Inet => (2, 1),
        Family::Netdev => (10, 2),
    };
    // NFTA_SET_TABLE, _NAME, _FLAGS, _KEY_TYPE, _KEY_LEN, _ID, _TIMEOUT.
    let set = Attributes::new()
        .text(1, table)
        .text(2, SET)
        .be32(3, WITH_TIMEOUT)
        .be32(4, data_type)
        .be32(5, length)
        .be32(10, u32::MAX)
        .bytes(11, &milliseconds(LEASE));
    batch.push(family, Kind::NewSet, NLM_F_CREATE, &set);
}

/// Starts the time anew.
pub(super) fn renew(batch: &mut Batch<'_>, family: Family, table: &str) {
    // NFTA_SET_ELEM_LIST_TABLE, _SET, _ELEMENTS.
    let set = Attributes::new().text(1, table).text(2, SET);
    // Kernels before 6.12 leave the time of an element alone that is added again.
    batch.push(family, Kind::DeleteSetElements, 0, &set);
    let elements = values(family).into_iter().fold(Attributes::new(), |elements, value| {
        // NFTA_SET_ELEM_KEY, NFTA_SET_ELEM_TIMEOUT.
        let element = Attributes::new().nest(1, &data(&value)).bytes(4, &milliseconds(LEASE));
        elements.nest(LIST_ELEMENT, &element)
    });
    batch.push(family, Kind::NewSetElements, NLM_F_CREATE, &set.nest(3, &elements));
}

fn milliseconds(time: Duration) -> [u8; 8] {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).to_be_bytes()
}
