//! Bodies that are cut short or lie.

use super::super::dice::Dice;

/// What happens to the data of one body.
#[derive(Clone, Debug, Default)]
pub(super) struct Spoil {
    /// How much of it may still pass.
    left: Option<u64>,
    /// How many bits are to be flipped once it is known where they can be.
    corrupt: u16,
    /// The bits to flip, counted from the start of the data, the last first.
    flips: Vec<u64>,
    passed: u64,
}

/// The longest body of which bits are flipped anywhere; of a longer one, in its beginning.
const REACH: u64 = 1 << 40;

impl Spoil {
    pub(super) fn new(truncate: Option<u64>, corrupt: Option<u16>) -> Self {
        let corrupt = corrupt.unwrap_or(0);
        Self { left: truncate, corrupt, ..Self::default() }
    }

    /// Whether data may pass as it is.
    pub(super) fn is_over(&self) -> bool {
        self.left.is_none() && self.corrupt == 0 && self.flips.is_empty()
    }

    /// Where bits are flipped, if the length of the body is known or else within what is there first.
    pub(super) fn aim(&mut self, length: u64, dice: &Dice) {
        let bits = length.min(REACH) * 8;
        let count = std::mem::take(&mut self.corrupt).min(u16::try_from(bits).unwrap_or(u16::MAX));
        while self.flips.len() < usize::from(count) {
            let bit = dice.below(bits);
            if !self.flips.contains(&bit) {
                self.flips.push(bit);
            }
        }
        self.flips.sort_unstable_by(|one, other| other.cmp(one));
    }

    /// Spoils data, of which so much may pass; whether anything was done to it.
    pub(super) fn data(&mut self, data: &mut [u8], dice: &Dice) -> (usize, bool) {
        if self.corrupt > 0 {
            self.aim(data.len() as u64, dice);
        }
        let end = self.passed + data.len() as u64;
        let mut met = false;
        while let Some(bit) = self.flips.pop_if(|bit| *bit / 8 < end) {
            let place = usize::try_from(bit / 8 - self.passed).unwrap_or(usize::MAX);
            if let Some(byte) = data.get_mut(place) {
                *byte ^= 1 << (bit % 8);
                met = true;
            }
        }
        self.passed = end;
        match &mut self.left {
            Some(left) if *left < data.len() as u64 => {
                let passes = usize::try_from(std::mem::take(left)).unwrap_or(data.len());
                (passes, true)
            }
            Some(left) => {
                *left -= data.len() as u64;
                (data.len(), met)
            }
            None => (data.len(), met),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_bits_as_asked_are_flipped_anywhere() {
        let dice = Dice::new(5);
        let mut seen = [false; 10];
        for _ in 0..100 {
            let mut spoil = Spoil::new(None, Some(3));
            spoil.aim(1000, &dice);
            let mut flipped = 0;
            for seen in &mut seen {
                let mut data = [0; 100];
                assert_eq!(spoil.data(&mut data, &dice).0, 100);
                let ones = data.iter().map(|byte| byte.count_ones()).sum::<u32>();
                *seen |= ones > 0;
                flipped += ones;
            }
            assert_eq!(flipped, 3);
            assert!(spoil.is_over());
        }
        assert_eq!(seen, [true; 10]);
    }

    #[test]
    fn without_a_length_the_first_data_has_them_all() {
        let (dice, mut data) = (Dice::new(5), [0; 2]);
        assert_eq!(Spoil::new(None, Some(99)).data(&mut data, &dice), (2, true));
        assert_eq!(data, [255; 2], "no more bits than there are");
    }

    #[test]
    fn only_so_much_passes() {
        let (dice, mut spoil) = (Dice::new(5), Spoil::new(Some(5), None));
        assert_eq!(spoil.data(&mut [0; 3], &dice), (3, false));
        assert_eq!(spoil.data(&mut [0; 2], &dice), (2, false));
        assert_eq!(spoil.data(&mut [0; 2], &dice), (0, true));
    }
}
