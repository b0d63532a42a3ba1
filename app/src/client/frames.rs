//! The frames of gRPC-Web: a byte of flags, a length of four, then a message; the last one holds the trailers as text.

use crate::failure::Status;

/// Set in the flags of the frame with the trailers.
const TRAILERS: u8 = 0x80;
/// Flags and length.
const HEAD: usize = 5;
/// The longest frame: inspections of large files, with their page runs, pass 4 MiB.
const MAX_FRAME: usize = 64 << 20;

/// One frame of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A message, as protobuf.
    Message(Vec<u8>),
    /// How the call ended.
    Trailers(Status),
    /// What is no frame, is compressed, which was not asked for, or is longer than 64 MiB.
    Unreadable,
}

/// Takes an answer in pieces of any size and gives its frames.
#[derive(Debug, Default)]
pub struct Frames {
    bytes: Vec<u8>,
    /// Where the next frame begins in `bytes`.
    at: usize,
}

impl Frames {
    /// More of the answer.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.at);
        self.at = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next frame, once all of it is here.
    pub fn take(&mut self) -> Option<Frame> {
        let rest = &self.bytes[self.at..];
        let (head, body) = rest.split_first_chunk::<HEAD>()?;
        let [flags, length @ ..] = *head;
        let length = u32::from_be_bytes(length) as usize;
        if length > MAX_FRAME || flags & !TRAILERS != 0 {
            return Some(Frame::Unreadable);
        }
        let body = body.get(..length)?;
        let frame = if flags == TRAILERS {
            Frame::Trailers(trailers(body))
        } else {
            Frame::Message(body.to_vec())
        };
        self.at += HEAD + length;
        Some(frame)
    }
}

/// A message in its frame.
pub fn of_message(message: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(HEAD + message.len());
    frame.push(0);
    frame.extend_from_slice(&(message.len() as u32).to_be_bytes());
    frame.extend_from_slice(message);
    frame
}

fn trailers(text: &[u8]) -> Status {
    let text = String::from_utf8_lossy(text);
    let status = Status::of(|name| {
        text.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.trim()
                .eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        })
    });
    status.unwrap_or_else(Status::cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trailer(text: &str) -> Vec<u8> {
        let mut frame = of_message(text.as_bytes());
        frame[0] = TRAILERS;
        frame
    }

    #[test]
    fn frames_come_out_whole_however_the_answer_is_cut() {
        let mut answer = of_message(b"one");
        answer.extend(of_message(b""));
        answer.extend(trailer("grpc-status: 0\r\n"));
        for size in 1..=answer.len() {
            let mut frames = Frames::default();
            let mut got = Vec::new();
            for piece in answer.chunks(size) {
                frames.push(piece);
                got.extend(std::iter::from_fn(|| frames.take()));
            }
            let [
                Frame::Message(one),
                Frame::Message(two),
                Frame::Trailers(end),
            ] = &got[..]
            else {
                panic!("{size}: {got:?}");
            };
            assert_eq!((&one[..], &two[..]), (&b"one"[..], &b""[..]), "{size}");
            assert!(end.is_ok(), "{size}");
        }
    }

    #[test]
    fn a_refusal_at_the_end_has_its_code_and_words() {
        let mut frames = Frames::default();
        frames.push(&trailer(
            "grpc-status:9\r\ngrpc-message:100%25 full%0Acaf%C3%A9\r\nx-error-code:disk.full\r\nx-request-id: r7\r\n",
        ));
        let Some(Frame::Trailers(status)) = frames.take() else {
            panic!()
        };
        assert_eq!(status.message, "100% full\ncafé");
        assert_eq!(
            (status.code, &*status.error_code, &*status.request_id),
            (9, "disk.full", "r7")
        );
        assert_eq!(frames.take(), None);
    }

    #[test]
    fn what_is_no_frame_of_ours_is_told() {
        for bad in [&[1_u8, 0, 0, 0, 0][..], &[0, 0xff, 0, 0, 0], b"<html"] {
            let mut frames = Frames::default();
            frames.push(bad);
            assert_eq!(frames.take(), Some(Frame::Unreadable), "{bad:?}");
        }
        let mut frames = Frames::default();
        frames.push(&trailer("no status"));
        assert_eq!(frames.take(), Some(Frame::Trailers(Status::cut())));
    }
}
