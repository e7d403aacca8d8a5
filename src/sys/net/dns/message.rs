//! Questions read, and false answers written.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hickory_proto::op::{Edns, Message, MessageType, Metadata, OpCode, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, RData, Record, RecordType};
use sha2::{Digest, Sha256};

/// The largest datagram that we say we can take (DNS flag day 2020), in bytes.
const PAYLOAD: u16 = 1232;

/// An ordinary question: one name, one type.
#[derive(Clone, Debug)]
pub(super) struct Question {
    message: Message,
    query: Query,
}

impl Question {
    /// Reads a question. `None` for everything else, such as updates, notices and what cannot be
    /// read: those are for the name server to judge.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let message = Message::from_vec(bytes).ok()?;
        let ordinary = message.metadata.message_type == MessageType::Query
            && message.metadata.op_code == OpCode::Query;
        match message.queries.as_slice() {
            [query] if ordinary && query.query_class() == DNSClass::IN => {
                let query = query.clone();
                Some(Self { message, query })
            }
            _ => None,
        }
    }

    /// The name asked for, without the dot of the root.
    pub(super) fn name(&self) -> String {
        let name = self.query.name().to_ascii();
        name.strip_suffix('.').map_or(name.clone(), str::to_owned)
    }

    /// The number of the type asked for.
    pub(super) fn kind(&self) -> u16 {
        self.query.query_type().into()
    }

    /// The name and the type, for people.
    pub(super) fn shown(&self) -> String {
        format!("{} {}", self.name(), self.query.query_type())
    }

    /// An answer without records. It has no SOA record either, so that nobody remembers it
    /// (RFC 2308, 5).
    pub(super) fn refused(&self, code: ResponseCode) -> Option<Vec<u8>> {
        let mut answer = self.answer();
        answer.metadata.response_code = code;
        answer.to_vec().ok()
    }

    /// An answer with those of the addresses that are of the type asked for, to be forgotten at
    /// once. Without addresses, with one that belongs to nobody.
    pub(super) fn misled(&self, addresses: &[IpAddr]) -> Option<Vec<u8>> {
        let made_up = made_up(&self.name());
        let addresses = if addresses.is_empty() { made_up.as_slice() } else { addresses };
        let mut answer = self.answer();
        for address in addresses {
            let data = match (address, self.query.query_type()) {
                (IpAddr::V4(address), RecordType::A) => RData::A((*address).into()),
                (IpAddr::V6(address), RecordType::AAAA) => RData::AAAA((*address).into()),
                _ => continue,
            };
            answer.add_answer(Record::from_rdata(self.query.name().clone(), 0, data));
        }
        answer.to_vec().ok()
    }

    /// The beginning of an answer: the question, and EDNS if it was used (RFC 6891, 6.1.1).
    fn answer(&self) -> Message {
        let asked = &self.message.metadata;
        let mut answer = Message::response(asked.id, OpCode::Query);
        answer.metadata = Metadata::response_from_request(asked);
        answer.metadata.recursion_available = true;
        answer.add_query(self.query.clone());
        if let Some(asked) = &self.message.edns {
            let mut edns = Edns::new();
            edns.set_max_payload(PAYLOAD).set_dnssec_ok(asked.flags().dnssec_ok);
            answer.set_edns(edns);
        }
        answer
    }
}

/// Addresses of networks that are for documentation only (RFC 5737, RFC 3849), the same for the
/// same name: one of IPv4 and one of IPv6.
fn made_up(name: &str) -> [IpAddr; 2] {
    let digest = Sha256::digest(name.to_ascii_lowercase());
    let byte = |at: usize| digest.get(at).copied().unwrap_or_default();
    let [a, b, c] = [[192, 0, 2], [198, 51, 100], [203, 0, 113]]
        .get(usize::from(byte(0) % 3))
        .copied()
        .unwrap_or([192, 0, 2]);
    // Neither the first nor the last of a network, which are no host's.
    let four = Ipv4Addr::new(a, b, c, byte(1) % 254 + 1);
    let tail = u128::from_be_bytes(std::array::from_fn(|at| byte(at + 2))) >> 32;
    let six = Ipv6Addr::from((0x2001_0db8_u128 << 96) | tail);
    [four.into(), six.into()]
}

#[cfg(test)]
mod tests {
    use hickory_proto::rr::Name;

    use super::*;

    fn asked(name: &str, kind: RecordType, edns: bool) -> Vec<u8> {
        let mut message = Message::query();
        message.metadata.id = 4711;
        message.metadata.recursion_desired = true;
        message.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
        if edns {
            let mut edns = Edns::new();
            edns.set_dnssec_ok(true);
            message.set_edns(edns);
        }
        message.to_vec().unwrap()
    }

    #[test]
    fn a_question_is_read_with_its_case() {
        let question = Question::read(&asked("dB.Example.com.", RecordType::AAAA, false)).unwrap();
        assert_eq!((question.name().as_str(), question.kind()), ("dB.Example.com", 28));
        assert_eq!(question.shown(), "dB.Example.com AAAA");
    }

    #[test]
    fn a_refusal_repeats_the_question_and_edns() {
        for edns in [false, true] {
            let question = Question::read(&asked("dB.example.", RecordType::A, edns)).unwrap();
            let answer = question.refused(ResponseCode::NXDomain).unwrap();
            let answer = Message::from_vec(&answer).unwrap();
            assert_eq!(answer.metadata.id, 4711);
            assert_eq!(answer.metadata.response_code, ResponseCode::NXDomain);
            assert!(answer.metadata.recursion_desired && answer.metadata.recursion_available);
            assert_eq!(answer.queries[0].name().to_ascii(), "dB.example.");
            assert_eq!(answer.edns.is_some_and(|edns| edns.flags().dnssec_ok), edns);
            assert!(answer.authorities.is_empty() && answer.answers.is_empty());
        }
    }

    #[test]
    fn wrong_addresses_are_of_the_type_asked_for() {
        let addresses = ["10.9.8.7".parse().unwrap(), "fd00::1".parse().unwrap()];
        for (kind, expected) in [(RecordType::A, "10.9.8.7"), (RecordType::AAAA, "fd00::1")] {
            let question = Question::read(&asked("db.example.", kind, false)).unwrap();
            let answer = Message::from_vec(&question.misled(&addresses).unwrap()).unwrap();
            let [record] = answer.answers.as_slice() else { panic!("{answer}") };
            assert_eq!((record.data.to_string().as_str(), record.ttl), (expected, 0));
        }
        let question = Question::read(&asked("db.example.", RecordType::AAAA, false)).unwrap();
        let answer = Message::from_vec(&question.misled(&addresses[..1]).unwrap()).unwrap();
        assert!(answer.answers.is_empty());
        assert_eq!(answer.metadata.response_code, ResponseCode::NoError);
    }

    #[test]
    fn a_made_up_address_belongs_to_nobody_and_stays() {
        for name in ["a", "b", "c", "db.example.com"] {
            let [four, six] = made_up(name);
            assert_eq!(made_up(&name.to_uppercase()), [four, six]);
            let IpAddr::V4(four) = four else { panic!() };
            assert!(four.is_documentation() && !matches!(four.octets()[3], 0 | 255));
            assert!(six.to_string().starts_with("2001:db8:"), "{six}");
        }
    }

    #[test]
    fn what_is_no_question_is_none() {
        let mut response = Message::response(1, OpCode::Query);
        response.add_query(Query::query(Name::root(), RecordType::A));
        let update = Message::new(1, MessageType::Query, OpCode::Update);
        for message in [response, update, Message::query()] {
            assert!(Question::read(&message.to_vec().unwrap()).is_none());
        }
        assert!(Question::read(b"").is_none() && Question::read(&[0xff; 40]).is_none());
    }
}
