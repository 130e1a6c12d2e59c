//! What status lists of all kinds hold: values side by side, packed into octets.

/// In which order values stand in an octet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// The first value in the least significant bits (Token Status List section 4.1).
    LeastSignificantFirst,
    /// The first value in the most significant bits (Bitstring Status List section 3.3).
    MostSignificantFirst,
}

/// Values of at most 8 bits, packed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Packed {
    pub(crate) octets: Vec<u8>,
    pub(crate) order: Order,
}

impl Packed {
    /// The value at a place, of values of `size` bits; `None` behind the end.
    pub(crate) fn value(&self, index: u64, size: u8) -> Option<u8> {
        let first = index.checked_mul(u64::from(size))?;
        let mut value = 0;
        for bit in first..first.checked_add(u64::from(size))? {
            let octet = *self.octets.get(usize::try_from(bit / 8).ok()?)?;
            let place = u8::try_from(bit % 8).expect("it is below 8");
            match self.order {
                Order::LeastSignificantFirst => {
                    let up = u8::try_from(bit - first).expect("it is below 8");
                    value |= ((octet >> place) & 1) << up;
                }
                Order::MostSignificantFirst => value = (value << 1) | ((octet >> (7 - place)) & 1),
            }
        }
        Some(value)
    }
}

impl std::fmt::Debug for Packed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Packed({:?}, {} octets)", self.order, self.octets.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_where_each_specification_puts_them() {
        // The lists of Token Status List section 4.1.
        let one = Packed { octets: vec![0xb9, 0xa3], order: Order::LeastSignificantFirst };
        let values: Vec<_> = (0..17).map_while(|index| one.value(index, 1)).collect();
        assert_eq!(values, [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]);
        let two = Packed { octets: vec![0xc9, 0x44, 0xf9], order: Order::LeastSignificantFirst };
        let values: Vec<_> = (0..13).map_while(|index| two.value(index, 2)).collect();
        assert_eq!(values, [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]);
        let bits = Packed { octets: vec![0b1000_0001, 0b0110_0000], order: Order::MostSignificantFirst };
        let values: Vec<_> = (0..17).map_while(|index| bits.value(index, 1)).collect();
        assert_eq!(values, [1, 0, 0, 0, 0, 0, 0, 1, 0, 1, 1, 0, 0, 0, 0, 0]);
        // Three bits each, across the border of an octet.
        let values: Vec<_> = (0..6).map_while(|index| bits.value(index, 3)).collect();
        assert_eq!(values, [0b100, 0b000, 0b010, 0b110, 0b000]);
    }

    #[test]
    fn nothing_stands_behind_the_end() {
        let list = Packed { octets: vec![0xff; 3], order: Order::LeastSignificantFirst };
        assert_eq!(list.value(2, 8), Some(0xff));
        for (index, size) in [(3, 8), (24, 1), (u64::MAX, 1), (u64::MAX, 8), (u64::MAX / 8, 8), (u64::MAX / 4, 4)] {
            assert_eq!(list.value(index, size), None, "{index} of {size}");
        }
    }
}
