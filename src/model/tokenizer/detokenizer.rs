//! Turns the bytes of a stream of tokens into a stream of text, holding back only the bytes of an unfinished UTF-8 character.
//! candle's own `TokenOutputStream` waits for a letter, so that `}` and line ends come late: no good for stopping.

/// Text coming out of a running generation.
#[derive(Debug, Default)]
pub struct Detokenizer {
    held: Vec<u8>,
}

impl Detokenizer {
    /// Adds a token's bytes and returns the text that is complete with them, possibly empty.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.held.extend_from_slice(bytes);
        let complete = complete_length(&self.held);
        let rest = self.held.split_off(complete);
        let text = String::from_utf8_lossy(&self.held).into_owned();
        self.held = rest;
        text
    }

    /// Ends the stream and returns what was held back, with a replacement character for half a character.
    pub fn finish(&mut self) -> String {
        let rest = std::mem::take(&mut self.held);
        String::from_utf8_lossy(&rest).into_owned()
    }
}

/// Returns how many bytes can be shown: all but the beginning of a character that may still be completed.
fn complete_length(bytes: &[u8]) -> usize {
    let mut shown = 0;
    while let Err(error) = std::str::from_utf8(&bytes[shown..]) {
        shown += error.valid_up_to();
        match error.error_len() {
            Some(invalid) => shown += invalid,
            None => return shown,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::complete_length;

    #[test]
    fn only_an_unfinished_character_is_held_back() {
        assert_eq!(complete_length(b"}\n"), 2);
        assert_eq!(complete_length("a\u{1f600}".as_bytes()), 5);
        assert_eq!(complete_length(&"a\u{1f600}".as_bytes()[..3]), 1);
        assert_eq!(complete_length(b"a\xff\xfeb"), 4);
    }
}
