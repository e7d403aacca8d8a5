//! Classic BPF (bpf(4), linux/filter.h): the instructions that a packet filter needs.

use thiserror::Error;

/// The most instructions that the kernel takes (`BPF_MAXINSNS`).
pub(super) const MOST: usize = 4096;

const LD_IMM: u16 = 0x00;
const LD_ABS_W: u16 = 0x20;
const LD_ABS_H: u16 = 0x28;
const LD_ABS_B: u16 = 0x30;
const LD_IND_H: u16 = 0x48;
const LD_IND_B: u16 = 0x50;
const LD_MEM: u16 = 0x60;
const ST: u16 = 0x02;
const LDX_IMM: u16 = 0x01;
const LDX_MSH: u16 = 0xb1;
const AND: u16 = 0x54;
const ADD: u16 = 0x04;
const LSH: u16 = 0x64;
const ADD_X: u16 = 0x0c;
const JA: u16 = 0x05;
const JEQ: u16 = 0x15;
const JGT: u16 = 0x25;
const JGE: u16 = 0x35;
const JSET: u16 = 0x45;
const RET: u16 = 0x06;
const TAX: u16 = 0x07;

/// Offsets from the network header, whatever the link's own header is (`SKF_NET_OFF`, -0x100000).
const NETWORK: u32 = 0xfff0_0000;
/// The packet's protocol, as the kernel knows it (`SKF_AD_OFF + SKF_AD_PROTOCOL`).
const ETHERTYPE: u32 = 0xffff_f000;

/// `struct sock_filter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Instruction {
    pub(super) code: u16,
    pub(super) if_true: u8,
    pub(super) if_false: u8,
    pub(super) operand: u32,
}

/// A place in a program, to jump to; always further down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label(usize);

/// Sums and comparisons of the accumulator.
#[derive(Clone, Copy, Debug)]
pub(super) enum Test {
    Equal(u32),
    Greater(u32),
    AtLeast(u32),
    AnyOf(u32),
}

/// A program that is too long for the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "the peers, ports and exceptions make a filter of {length} instructions, and the kernel takes \
     {MOST}: name networks rather than single addresses, and ranges rather than single ports"
)]
pub(super) struct TooLong {
    length: usize,
}

/// A program being written. Jumps go any distance: a test jumps over a jump of its own, since its
/// own offsets have eight bits only.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    program: Vec<Instruction>,
    /// Where each label is, once that is known.
    labels: Vec<usize>,
    /// Jumps to fill in.
    jumps: Vec<(usize, Label)>,
}

impl Assembler {
    pub(super) fn label(&mut self) -> Label {
        self.labels.push(0);
        Label(self.labels.len() - 1)
    }

    pub(super) fn bind(&mut self, label: Label) {
        if let Some(place) = self.labels.get_mut(label.0) {
            *place = self.program.len();
        }
    }

    pub(super) fn jump(&mut self, to: Label) {
        self.jumps.push((self.program.len(), to));
        self.push(JA, 0);
    }

    /// Jumps when a test holds.
    pub(super) fn when(&mut self, test: Test, to: Label) {
        self.test(test, 0, 1);
        self.jump(to);
    }

    /// Jumps when a test does not hold.
    pub(super) fn unless(&mut self, test: Test, to: Label) {
        self.test(test, 1, 0);
        self.jump(to);
    }

    /// Jumps when the accumulator is between these two.
    pub(super) fn when_within(&mut self, first: u32, last: u32, to: Label) {
        if first == last {
            return self.when(Test::Equal(first), to);
        }
        self.test(Test::AtLeast(first), 0, 2);
        self.test(Test::Greater(last), 1, 0);
        self.jump(to);
    }

    fn test(&mut self, test: Test, if_true: u8, if_false: u8) {
        let (code, operand) = match test {
            Test::Equal(value) => (JEQ, value),
            Test::Greater(value) => (JGT, value),
            Test::AtLeast(value) => (JGE, value),
            Test::AnyOf(bits) => (JSET, bits),
        };
        self.program.push(Instruction { code, if_true, if_false, operand });
    }

    pub(super) fn load(&mut self, value: u32) {
        self.push(LD_IMM, value);
    }

    pub(super) fn load_ethertype(&mut self) {
        self.push(LD_ABS_H, ETHERTYPE);
    }

    pub(super) fn load_byte(&mut self, offset: u32) {
        self.push(LD_ABS_B, NETWORK.wrapping_add(offset));
    }

    pub(super) fn load_half(&mut self, offset: u32) {
        self.push(LD_ABS_H, NETWORK.wrapping_add(offset));
    }

    pub(super) fn load_word(&mut self, offset: u32) {
        self.push(LD_ABS_W, NETWORK.wrapping_add(offset));
    }

    /// The byte behind the index register.
    pub(super) fn load_byte_at_index(&mut self, offset: u32) {
        self.push(LD_IND_B, NETWORK.wrapping_add(offset));
    }

    /// Two bytes behind the index register.
    pub(super) fn load_half_at_index(&mut self, offset: u32) {
        self.push(LD_IND_H, NETWORK.wrapping_add(offset));
    }

    /// The index register becomes the length of the IPv4 header.
    pub(super) fn index_by_header(&mut self) {
        self.push(LDX_MSH, NETWORK);
    }

    pub(super) fn index(&mut self, value: u32) {
        self.push(LDX_IMM, value);
    }

    /// The index register becomes the accumulator.
    pub(super) fn index_by_accumulator(&mut self) {
        self.push(TAX, 0);
    }

    pub(super) fn add_index(&mut self) {
        self.push(ADD_X, 0);
    }

    pub(super) fn and(&mut self, mask: u32) {
        self.push(AND, mask);
    }

    pub(super) fn add(&mut self, value: u32) {
        self.push(ADD, value);
    }

    pub(super) fn shift_left(&mut self, bits: u32) {
        self.push(LSH, bits);
    }

    pub(super) fn store(&mut self, slot: u32) {
        self.push(ST, slot);
    }

    pub(super) fn recall(&mut self, slot: u32) {
        self.push(LD_MEM, slot);
    }

    pub(super) fn return_value(&mut self, value: u32) {
        self.push(RET, value);
    }

    fn push(&mut self, code: u16, operand: u32) {
        self.program.push(Instruction { code, if_true: 0, if_false: 0, operand });
    }

    /// The program with its jumps filled in.
    pub(super) fn finish(mut self) -> Result<Vec<Instruction>, TooLong> {
        if self.program.len() > MOST {
            return Err(TooLong { length: self.program.len() });
        }
        for (place, label) in self.jumps {
            let to = self.labels.get(label.0).copied().unwrap_or_default();
            if let Some(jump) = self.program.get_mut(place) {
                jump.operand = u32::try_from(to.saturating_sub(place + 1)).unwrap_or_default();
            }
        }
        Ok(self.program)
    }
}
