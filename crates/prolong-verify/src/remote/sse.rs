//! Server-sent events (HTML Living Standard §9.2.6), as far as the feed uses them: the data of each event.

/// The longest event that is read, in bytes.
const MAX_EVENT_BYTES: usize = 16 * 1024 * 1024;

/// Cuts a byte stream into events.
#[derive(Default)]
pub(super) struct Events {
    line: Vec<u8>,
    data: Vec<u8>,
}

/// The event is too long.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

impl Events {
    /// Takes the next bytes, and gives the data of every event that they complete.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, TooLong> {
        let mut events = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if self.line.len() + self.data.len() > MAX_EVENT_BYTES {
                return Err(TooLong);
            }
            if self.line.ends_with(b"\n") {
                events.extend(self.end_of_line());
                self.line.clear();
            }
        }
        Ok(events)
    }

    fn end_of_line(&mut self) -> Option<Vec<u8>> {
        let line = self.line.trim_ascii_end();
        if line.is_empty() {
            return (!self.data.is_empty()).then(|| std::mem::take(&mut self.data));
        }
        if let Some(value) = line.strip_prefix(b"data:") {
            if !self.data.is_empty() {
                self.data.push(b'\n');
            }
            self.data
                .extend_from_slice(value.strip_prefix(b" ").unwrap_or(value));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_cut_wherever_the_bytes_are() {
        let stream = b": hello\nevent: frame\r\ndata: {\"a\":\ndata:1}\r\n\r\n\nid: 3\ndata: b\n\n";
        for size in 1..stream.len() {
            let mut events = Events::default();
            let all: Vec<_> = stream
                .chunks(size)
                .flat_map(|chunk| events.push(chunk).unwrap_or_default())
                .collect();
            assert_eq!(all, [b"{\"a\":\n1}".to_vec(), b"b".to_vec()], "{size}");
        }
    }
}
