//! Sixteen-bit floats as they stand in files and in the cache. Not arithmetic: they are only stored.

/// An IEEE 754 half-precision number, by its bits. (Rust's own `f16` is not stable yet.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(transparent)]
pub struct F16(pub u16);

impl F16 {
    /// The number stored little-endian in two bytes.
    #[inline]
    pub fn from_le_bytes(bytes: [u8; 2]) -> Self {
        Self(u16::from_le_bytes(bytes))
    }

    /// The same number in single precision; exact.
    #[inline]
    pub fn to_f32(self) -> f32 {
        let sign = u32::from(self.0 & 0x8000) << 16;
        let magnitude = u32::from(self.0 & 0x7fff);
        let bits = if magnitude >= 0x7c00 {
            // Infinities and NaNs keep their payload.
            0x7f80_0000 | ((magnitude & 0x3ff) << 13)
        } else {
            // The exponent is off by 2^112 after the shift; a multiplication mends it for subnormal numbers
            // too.
            (f32::from_bits(magnitude << 13) * f32::from_bits(0x7780_0000)).to_bits()
        };
        f32::from_bits(sign | bits)
    }

    /// The nearest half-precision number, ties to even; what is too large becomes infinite.
    #[inline]
    pub fn from_f32(value: f32) -> Self {
        let bits = value.to_bits();
        let sign = ((bits >> 16) & 0x8000) as u16;
        let magnitude = bits & 0x7fff_ffff;
        let half = if magnitude > 0x7f80_0000 {
            0x7e00
        } else if magnitude >= 0x477f_f000 {
            0x7c00
        } else if magnitude < 0x3880_0000 {
            // Subnormal: adding 0.5 lets the float unit round at the right place.
            (f32::from_bits(magnitude) + 0.5).to_bits() as u16
        } else {
            let odd = (magnitude >> 13) & 1;
            ((magnitude - 0x3800_0000 + 0xfff + odd) >> 13) as u16
        };
        Self(sign | half)
    }
}

#[cfg(test)]
mod tests {
    use super::F16;

    #[test]
    fn every_half_survives_the_way_through_single_precision() {
        for bits in 0..=u16::MAX {
            let half = F16(bits);
            if half.to_f32().is_nan() {
                assert!((bits & 0x7fff) > 0x7c00 && F16::from_f32(half.to_f32()).to_f32().is_nan());
            } else {
                assert_eq!(F16::from_f32(half.to_f32()), half);
            }
        }
    }

    #[test]
    fn rounding_is_to_the_nearest_and_ties_go_to_even() {
        for bits in 0..0x7bffu16 {
            let (low, high) = (F16(bits).to_f32(), F16(bits + 1).to_f32());
            let middle = (low + high) / 2.0;
            let even = if bits & 1 == 0 { bits } else { bits + 1 };
            assert_eq!(F16::from_f32(middle).0, even);
            assert_eq!(F16::from_f32(-(low + (high - low) * 0.25)).0, bits | 0x8000);
            assert_eq!(F16::from_f32(low + (high - low) * 0.75).0, bits + 1);
        }
        assert_eq!(F16::from_f32(65519.9).0, 0x7bff);
        assert_eq!(F16::from_f32(65520.0).0, 0x7c00);
    }
}
