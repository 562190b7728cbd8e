//! As little HTTP/1.1 as a load generator needs.

use std::io::{Read, Write};
use std::net::TcpStream;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// One keep-alive connection.
pub(crate) struct Connection {
    stream: tokio::net::TcpStream,
    answer: Vec<u8>,
}

/// An answer, borrowed from its connection.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
}

impl Connection {
    pub(crate) async fn open(address: &str) -> Self {
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            answer: Vec::with_capacity(4096),
        }
    }

    /// Sends a whole request and reads the whole answer.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Answer<'_> {
        self.stream.write_all(request).await.unwrap();
        self.answer.clear();
        let (head, whole) = loop {
            let read = self.stream.read_buf(&mut self.answer).await.unwrap();
            assert!(read > 0, "the server closed the connection");
            if let Some(head) = head_length(&self.answer) {
                let whole = head + content_length(&self.answer[..head]);
                break (head, whole);
            }
        };
        while self.answer.len() < whole {
            let read = self.stream.read_buf(&mut self.answer).await.unwrap();
            assert!(read > 0, "the server closed the connection");
        }
        Answer {
            status: number(&self.answer[9..12]),
            body: &self.answer[head..whole],
        }
    }
}

/// The status of a request on a connection of its own; 0 where nobody answers.
pub(crate) fn status(address: &str, path: &str) -> u16 {
    let asked = || {
        let mut stream = TcpStream::connect(address).ok()?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        )
        .ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        Some(number(answer.get(9..12)?))
    };
    asked().unwrap_or(0)
}

/// Where `needle` ends in `text`.
pub(crate) fn after(text: &[u8], needle: &[u8]) -> Option<usize> {
    Some(memchr::memmem::find(text, needle)? + needle.len())
}

fn head_length(answer: &[u8]) -> Option<usize> {
    after(answer, b"\r\n\r\n")
}

fn content_length(head: &[u8]) -> usize {
    let at = after(head, b"content-length: ").unwrap();
    let digits = head[at..].iter().take_while(|byte| byte.is_ascii_digit());
    number_of(digits)
}

fn number(digits: &[u8]) -> u16 {
    u16::try_from(number_of(digits.iter())).unwrap()
}

fn number_of<'a>(digits: impl Iterator<Item = &'a u8>) -> usize {
    digits.fold(0, |number, digit| number * 10 + usize::from(digit - b'0'))
}
